"""Commands of the anomaly program that need a lake: detect, anomalies, explain."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomaly.commands.series import CONFIG, constants
from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, STANDBY, with_places, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from anomaly.engine.incident import Incident
    from lakehouse.response.action import Action
    from lakehouse.settings import Settings

PNG = click.Path(dir_okay=False, path_type=Path)
SINCE = click.option("--since", metavar="TIME", help="Only what went on after, e.g. -24h.")
METHOD = click.option(
    "--method",
    type=click.Choice(["surprise", "zscore"]),
    default="surprise",
    show_default=True,
    help="zscore: a plain z over a sliding hour, for comparison.",
)
Between = tuple[datetime | None, datetime | None]
COLUMNS = ("opened", "severity", "status", "duration_minutes", "incident_id", "sentence")


@click.command()
@with_settings
@CONFIG
@click.option("--once", is_flag=True, help="Close and judge what is there, then end.")
@STANDBY
def detect(settings: Settings, config: Path | None, once: bool, standby: bool) -> None:
    """Close minutes of `logs` as they are over, judge them, and keep `anomalies`.

    One line an incident that opens, escalates or closes. Ctrl-C or SIGTERM ends it between two
    commits; the next start folds what it missed. One process judges a lake at a time: a second one
    is refused and told who does, or waits with --standby, as `logpond stream --standby` does.

    \b
      logpond detect
      logpond detect --once
    """
    from anomaly.lake.job import Detect

    spark = settings.spark.model_copy(update={"ui_port": settings.anomaly.ui_port})
    settings = settings.model_copy(update={"spark": spark})
    hears = (
        lambda one: echo(render_change(one)),
        lambda why: echo(f"note: {why}", err=True),
    )
    Detect(settings, Places.of(settings), constants(config), *hears, waits=standby)(once)


@click.command()
@with_places
@FORMAT
@SINCE
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
def anomalies(places: Places, how: str, since: str | None, only_open: bool) -> None:
    """List the incidents that were found, the newest last, and what people did about each.

    One that somebody has resolved is `resolved` as long as detection has it open.

    \b
      logpond anomalies --open
      logpond anomalies --since -24h --format json
    """
    from anomaly.alerts.mutes import as_muted_now
    from anomaly.lake.fold import active_between
    from anomaly.lake.incidents import incidents
    from lakehouse.response.actions import Actions
    from lakehouse.response.mutes import Mutes
    from lakehouse.windows import unjudged

    between = time_of(since, "--since"), None
    if unjudged.noted(places):
        echo(f"note: what was imported is not judged yet: {unjudged.REMEDY}", err=True)
    mutes = Mutes(places).now(datetime.now(UTC))
    found = [as_muted_now(one, mutes) for one in active_between(incidents(places), *between)]
    done = Actions(places).by_incident({one.incident_id for one in found})
    seen = [_as_seen(one, done.get(one.incident_id, ())) for one in found]
    wanted = [one for one in seen if not only_open or one.status == "open"]
    columns = (*COLUMNS[:3], "muted", *COLUMNS[3:])
    if not show(wanted, between, how, columns, done) and how == "table":
        say_none(constants(None))


@click.command()
@click.argument("incident_id")
@with_settings
@CONFIG
@click.option("--png", type=PNG, help="Draw what was seen, what was expected, and when.")
@click.option("--recount", is_flag=True, help="Count its minutes in `logs`: as it was, and now.")
@click.option(
    "--format",
    "how",
    type=click.Choice(("text", "json")),
    default="text",
    help="json is one object: these lines, and the series.",
)
def explain(
    incident_id: str,
    settings: Settings,
    config: Path | None,
    png: Path | None,
    recount: bool,
    how: str,
) -> None:
    """Fold again the closed minutes that an incident was made from, and show the result.

    The first digits of its id are enough where no other begins so. --recount goes back to `logs`
    at the versions that the minutes were counted from, where these can be read, and says how many
    rows came late.

    \b
      logpond anomalies
      logpond explain 4f1c0a9be2d37a55 --png incident.png
      logpond explain 4f1c --recount
    """
    from anomaly.lake.incidents import incident_named
    from anomaly.review.explain import Explained
    from anomaly.review.recount import recounted
    from anomaly.rules.folder import folder_of, rules_in
    from lakehouse.response.respond import history

    places, own = Places.of(settings), rules_in(folder_of(settings))
    explained = Explained(places, incident_named(places, incident_id), constants(config), own)
    if how == "json":
        series = [point._asdict() for point in explained.series]
        render.show_object({"lines": [*explained.render()], "series": series}, sys.stdout)
        return
    for line in explained.render():
        echo(line)
    for done in history(places, explained.incident.incident_id):
        echo(render.escaped(done.line))
    if png:
        from anomaly.review.chart import draw

        draw(explained, png)
        echo(f"drawn in {png}")
    if recount:
        found = recounted(places, explained.incident)
        render.show(render.Rows.of_dicts(found.minutes, found.columns), "table", sys.stdout, HUMANE)
        for line in found.render():
            echo(line)


def render_change(one: Incident) -> str:
    """Returns one line for a person about a change of an incident."""
    at = one.closed or one.last_breach
    status = f"{one.status}, muted" if one.muted else one.status
    return f"{at:%H:%M} {one.severity} {status}: {one.sentence}  [{one.incident_id}]"


def minutes_table(places: Places, version: int | None = None) -> Any:
    """Opens the table of closed minutes. Raises TableError where none were closed yet."""
    from lakehouse.errors import TableError
    from lakehouse.store import open_table, table_or_none
    from lakehouse.tables.rollups import MINUTES

    if table_or_none(places, MINUTES.name) is None:
        raise TableError(
            f"there are no closed minutes in {places.lake} yet",
            "`logpond detect --once` closes them",
        )
    return open_table(places, MINUTES.name, version)


def time_of(text: str | None, flag: str) -> datetime | None:
    """Parses the time of a flag; None where it is not given."""
    from lakehouse.terminal.times import time

    return None if text is None else time(text, datetime.now(UTC), flag)


def show(
    incidents: Iterable[Incident],
    between: Between,
    how: str,
    columns: tuple[str, ...],
    done: Mapping[str, Sequence[Action]] | None = None,
) -> int:
    """Prints the incidents between two times in order of opening. Returns how many there are.

    A table has only the main columns, and what each is part of if one is. With `done` a column says
    what people did.
    """
    import pyarrow as pa

    from anomaly.lake.fold import active_between
    from anomaly.lake.incidents import rows_of

    rows = rows_of(active_between(incidents, *between))
    if any(rows["parent"].to_pylist()):
        columns = (*columns[:-1], "parent", columns[-1])
    found_ = [*(columns if how == "table" else rows.column_names)]
    if done is not None:
        did = [_summary(done.get(name, ())) for name in rows["incident_id"].to_pylist()]
        rows, found_ = rows.append_column("people", pa.array(did, pa.string())), [*found_, "people"]
    humane = {**HUMANE, "muted": lambda is_muted: "yes" if is_muted else ""}
    render.show(render.Rows.of_arrow(rows.select(found_)), how, sys.stdout, humane)
    return int(rows.num_rows)


def _as_seen(one: Incident, done: Sequence[Action]) -> Incident:
    import msgspec

    from lakehouse.response.action import status_of

    status = status_of(one.status, done, one.severity, one.last_breach)
    return msgspec.structs.replace(one, status=status)


def _summary(done: Sequence[Action]) -> str:
    """Returns who did the last thing, and how many things were done in all."""
    last = done[-1] if done else None
    more = f" (of {len(done)})" if len(done) > 1 else ""
    return f"{last.kind} by {last.who}{more}" if last else ""


def say_none(judged_by: Any) -> None:
    """Says that no incident is there, and when one could be."""
    warm = judged_by.keys.warm_minutes
    echo(f"no incident; a service or endpoint is judged after {warm} min of history", err=True)
