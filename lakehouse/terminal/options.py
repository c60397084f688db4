"""Options that several commands have, what they give a command, and values for a person.

A command on a lake stands under `with_places` or `with_settings`: both add `--lake`, load the
settings once the command is called, and hand over `places` or `settings`. Nobody else loads them
but `logpond.open`, for programs of others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from lakehouse.terminal import render

if TYPE_CHECKING:
    from lakehouse.settings import Settings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
GIVEN = "logpond.settings"


def setting(flag: str, name: str, **facts: Any) -> Decorator:
    """An option that overrides a setting: `setting("--topic", "kafka_topic")`.

    The command does not get its value, but finds it in the settings.
    """

    def keep(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        ctx.meta.setdefault(GIVEN, {})[name] = value
        return value

    return click.option(flag, callback=keep, **{"expose_value": False, **facts})


def given(ctx: click.Context | None = None) -> Settings:
    """The settings under the flags of a command, by default the one that runs.

    From here on the process writes as this lake is kept (`lakehouse/runtime/rights.py`).
    Raises SettingsError, which lists every fault.
    """
    from lakehouse import settings
    from lakehouse.paths import Places
    from lakehouse.runtime import rights
    from lakehouse.storage import connection

    found = settings.load(**(ctx or click.get_current_context()).meta.get(GIVEN, {}))
    places = Places.of(found)
    rights.keep(places.lake, found.access)
    if places.is_in_a_bucket:
        connection.publish(found.storage)
    return found


LAKE = setting(
    "--lake", "lake", metavar="DIR|URL", help="Where the tables are. [env: LOGPOND_LAKE]"
)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lake`, and call the command with `settings`."""

    @wraps(command)
    def called(*args: Any, **flags: Any) -> Any:
        return command(*args, settings=given(), **flags)

    return LAKE(called)


def with_places(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lake`, and call the command with `places`."""

    @wraps(command)
    def called(*args: Any, **flags: Any) -> Any:
        from lakehouse.paths import Places

        return command(*args, places=Places.of(given()), **flags)

    return LAKE(called)


STANDBY = click.option(
    "--standby", is_flag=True, help="Where another process holds the lake, wait and take over."
)
FORMAT = click.option(
    "--format",
    "how",
    type=click.Choice(render.FORMATS),
    default="table",
    show_default=True,
    help="json is a list of row objects.",
)


def table_or_json(json_is: str) -> Decorator:
    """The flag --format of a command whose JSON is no list of rows; `json_is` says what it is."""
    return click.option(
        "--format",
        "how",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help=f"json is {json_is}.",
    )


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _size(value: float | None) -> str:
    if value is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def _time(value: datetime | None) -> str:
    return "unknown" if value is None else f"{value:%Y-%m-%d %H:%M:%S}Z"


HUMANE: dict[str, Callable[[Any], str]] = {
    "rows": _count,
    "files": _count,
    "small_files": _count,
    "bytes": _size,
    "time": _time,
    "last_commit": _time,
    "opened": _time,
    "tags": ", ".join,
    "oldest_readable": lambda is_oldest: "yes" if is_oldest else "",
}
