"""Commands of the anomaly program that need a lake: detect, analyze, anomalies, explain."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomaly.commands import CONFIG, anomaly, constants
from lakehouse import render
from lakehouse import settings as settings_file
from lakehouse.options import FORMAT, HUMANE, LAKE
from lakehouse.paths import Places

if TYPE_CHECKING:
    from anomaly.incident import Incident

SINCE = click.option("--since", metavar="TIME", help="Only what went on after, e.g. -24h.")
Between = tuple[datetime | None, datetime | None]
SHOWN = ("opened", "severity", "status", "duration_minutes", "incident_id", "sentence")


@anomaly.command()
@LAKE
@CONFIG
@click.option("--once", is_flag=True, help="Close and judge what is there, then end.")
def detect(lake: str | None, config: Path | None, once: bool) -> None:
    """Close minutes of `logs` as they are over, judge them, and keep `anomalies`.

    One line an incident that opens, escalates or closes. Ctrl-C or SIGTERM ends it between two
    commits; the next start folds what it missed.

    \b
      logpond detect
      logpond detect --once
    """
    from anomaly.detect import Detect

    settings = settings_file.load(lake=lake, spark_ui_port=0)
    Detect(settings, Places.of(settings), constants(config), lambda one: click.echo(line(one)))(
        once
    )


@anomaly.command()
@LAKE
@CONFIG
@FORMAT
@SINCE
@click.option("--until", metavar="TIME", help="Only what opened before.")
@click.option("--version", type=int, metavar="N", help="Of `logs_windowed` at this version.")
def analyze(
    lake: str | None,
    config: Path | None,
    how: str,
    since: str | None,
    until: str | None,
    version: int | None,
) -> None:
    """Judge all closed minutes again, without Spark: what `detect` says of them, or would.

    The fold always starts at the first minute that is kept; --since and --until (RFC 3339, a
    date, '24 hours ago' or -24h) select what is shown.

    \b
      logpond analyze --since -24h
      logpond analyze --since 2026-05-01 --until 2026-05-02 --config other.toml --format json
    """
    from anomaly.fold import closed_minutes, fold
    from anomaly.watchman import Watchman

    between = _time(since, "--since"), _time(until, "--until")
    table = _minutes(lake, version)
    found = fold(Watchman(constants(config)), closed_minutes(table))
    _show(found.values(), between, how)


@anomaly.command()
@LAKE
@FORMAT
@SINCE
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
def anomalies(lake: str | None, how: str, since: str | None, only_open: bool) -> None:
    """List the incidents that were found, the newest last.

    \b
      logpond anomalies --open
      logpond anomalies --since -24h --format json
    """
    from anomaly.table import incidents_of
    from lakehouse.store import open_table
    from lakehouse.tables import ANOMALIES

    between = _time(since, "--since"), None
    places = Places.of(settings_file.load(lake=lake))
    found = incidents_of(open_table(places, ANOMALIES).to_pyarrow_table())
    _show([one for one in found if not only_open or one.status == "open"], between, how)


@anomaly.command()
@click.argument("incident_id")
@LAKE
@CONFIG
def explain(incident_id: str, lake: str | None, config: Path | None) -> None:
    """Fold the closed minutes that an incident was made from again, and say what they give.

    \b
      logpond anomalies
      logpond explain 4f1c0a9be2d37a55
    """
    from anomaly.explain import explained

    places = Places.of(settings_file.load(lake=lake))
    for said in explained(places, incident_id, constants(config)):
        click.echo(said)


def line(one: Incident) -> str:
    """One line for a person, when an incident changes."""
    at = one.closed or one.last_breach
    return f"{at:%H:%M} {one.severity} {one.status}: {one.sentence}  [{one.incident_id}]"


def _minutes(lake: str | None, version: int | None) -> Any:
    from lakehouse.errors import TableError
    from lakehouse.rollup import MINUTES
    from lakehouse.store import open_table, table_or_none

    places = Places.of(settings_file.load(lake=lake))
    if table_or_none(places, MINUTES.name) is None:
        raise TableError(
            f"there are no closed minutes in {places.lake} yet",
            "`logpond detect --once` closes them",
        )
    return open_table(places, MINUTES.name, version)


def _time(text: str | None, flag: str) -> datetime | None:
    from lakehouse.moment import time

    return None if text is None else time(text, datetime.now(UTC), flag)


def _show(incidents: Iterable[Incident], between: Between, how: str) -> None:
    """Those that went on between two times, in order of opening; for a person the main columns."""
    from anomaly.fold import shown
    from anomaly.table import rows_of

    rows = rows_of(shown(incidents, *between))
    columns = SHOWN if how == "table" else rows.column_names
    render.show(render.Rows.of_arrow(rows.select(columns)), how, sys.stdout, HUMANE)
