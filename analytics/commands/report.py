"""The command `report`: what people ask a lake again and again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analytics.commands.sql import spark_of
from analytics.reports import LIMIT, REPORTS, Report, draw, run
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.query.ask import ENGINES, moment
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.times import time

if TYPE_CHECKING:
    from lakehouse.settings import Settings

PNG = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name", required=False, type=click.Choice(list(REPORTS)), metavar="[NAME]")
@click.option("--since", metavar="TIME", help="Only the last 24h, 7d, or from a time on.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, show_default=True, metavar="N")
@click.option("--as-of", metavar="TIME", help="As the tables were then.")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@click.option("--png", type=PNG, metavar="FILE", help="Draw the rows as well.")
@FORMAT
@with_settings
def report(
    name: str | None,
    since: str | None,
    limit: int,
    as_of: str | None,
    engine: str,
    png: Path | None,
    how: str,
    settings: Settings,
) -> None:
    """Show a report; without a name, list them.

    Times are of the events, in UTC; a half hour that began before --since counts in full. Both
    engines give the same rows; Spark takes seconds to start and suits large lakes.

    \b
      logpond report
      logpond report top-errors --since 24h
      logpond report hourly --format csv
      logpond report endpoints --as-of "1 hour ago"
      logpond report addresses --limit 100 --engine spark
      logpond report endpoint-daily --since 30d --png errors.png
    """
    now = datetime.now(UTC)
    if name is None:
        render.show(_all_reports(), how, sys.stdout)
        return
    if png and not REPORTS[name].figure:
        raise SettingsError(f"report {name} has no figure", f"--png draws {_with_figure()}")
    found = run(
        REPORTS[name],
        Places.of(settings),
        time(since, now, "--since") if since else None,
        limit,
        moment(None, as_of, now),
        spark_of(settings) if engine == "spark" else None,
    )
    if png:
        draw(REPORTS[name], found, png)
        click.echo(f"drawn in {png}", err=True)
    if how == "table":
        click.echo(_head(REPORTS[name], since), err=True)
    render.show(render.Rows.of_arrow(found), how, sys.stdout, HUMANE)


def _with_figure() -> str:
    return ", ".join(one.name for one in REPORTS.values() if one.figure)


def _all_reports() -> render.Rows:
    rows = [[one.name, one.table, one.title] for one in REPORTS.values()]
    return render.Rows(["report", "of", "what it shows"], rows)


def _head(of: Report, since: str | None) -> str:
    return of.title + (f"; since {since}" if since else "")
