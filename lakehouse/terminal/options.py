"""Options that several commands have, and how they show values to a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from lakehouse.terminal import render

LAKE = click.option("--lake", metavar="DIR|URL", help="Where the tables are. [env: LOGPOND_LAKE]")
FORMAT = click.option(
    "--format",
    "how",
    type=click.Choice(render.FORMATS),
    default="table",
    show_default=True,
    help="json is a list of row objects.",
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
    "oldest_readable": lambda is_oldest: "yes" if is_oldest else "",
}
