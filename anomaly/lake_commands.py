"""Commands of the anomaly program that need a lake: detect, analyze, anomalies, explain."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomaly.commands import CONFIG, LAKE, anomaly, constants
from anomaly.show import FORMATS
from lakehouse import settings as settings_file
from lakehouse.paths import Places

if TYPE_CHECKING:
    from anomaly.incident import Incident

FORMAT = click.option("--format", "form", type=click.Choice(FORMATS), default="table",
                      show_default=True)  # fmt: skip
HOURS = click.option(
    "--since", "hours", type=float, metavar="HOURS", help="Only of the last hours."
)
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
@HOURS
@click.option("--version", type=int, metavar="N", help="Of `logs_windowed` at this version.")
def analyze(
    lake: str | None, config: Path | None, form: str, hours: float | None, version: int | None
) -> None:
    """Judge all closed minutes again, without Spark: what `detect` says of them, or would.

    The fold always starts at the first minute that is kept; --since selects what is shown.

    \b
      logpond analyze --since 24
      logpond analyze --config other.toml --format json
    """
    from anomaly.fold import closed_minutes, fold, shown_since
    from anomaly.watchman import Watchman

    table = _minutes(lake, version)
    found = fold(Watchman(constants(config)), closed_minutes(table))
    _show([*shown_since(found, _since(hours))], form)


@anomaly.command()
@LAKE
@FORMAT
@HOURS
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
def anomalies(lake: str | None, form: str, hours: float | None, only_open: bool) -> None:
    """List the incidents that were found, the newest last.

    \b
      logpond anomalies --open
      logpond anomalies --since 24 --format json
    """
    from anomaly.table import incidents_of
    from lakehouse.store import open_table
    from lakehouse.tables import ANOMALIES

    places, since = Places.of(settings_file.load(lake=lake)), _since(hours)
    rows = incidents_of(open_table(places, ANOMALIES).to_pyarrow_table())
    chosen = [one for one in rows if not only_open or one.status == "open"]
    _show(
        [one for one in chosen if since is None or (one.closed or one.last_breach) >= since], form
    )


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


def _since(hours: float | None) -> datetime | None:
    return datetime.now(UTC) - timedelta(hours=hours) if hours is not None else None


def _show(incidents: list[Incident], form: str) -> None:
    from anomaly.show import show
    from anomaly.table import rows_of

    rows = rows_of(sorted(incidents, key=lambda one: (one.opened, one.incident_id))).to_pylist()
    if form == "table":
        rows = [{name: _short(row[name]) for name in SHOWN} for row in rows]
    show(rows, form, sys.stdout)


def _short(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value
