"""The command `report`: questions that are asked often."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analytics.commands.sql import spark_of
from analytics.reports import LIMIT, REPORTS, Report, draw, run
from lakehouse.errors import SettingsError, TableError
from lakehouse.past import sources
from lakehouse.paths import Places
from lakehouse.query.ask import ENGINES, moment
from lakehouse.query.pinned import FILL
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.render import echo
from lakehouse.terminal.times import time

if TYPE_CHECKING:
    import pyarrow as pa

    from lakehouse.settings import Settings

ALL = "all"
PNG = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name", required=False, type=click.Choice([*REPORTS, ALL]), metavar="[NAME]")
@click.option("--since", metavar="TIME", help="Only the last 24h, 7d, or from a time on.")
@click.option("--new-since", metavar="TIME", help="patterns: only those first seen since then.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, show_default=True, metavar="N")
@click.option("--version", metavar="N|NAME", help="As every table was at this version.")
@click.option("--as-of", metavar="TIME|NAME", help="As the tables were then.")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@click.option("--png", type=PNG, metavar="FILE", help="Draw the rows as well.")
@FORMAT
@with_settings
def report(
    name: str | None,
    since: str | None,
    new_since: str | None,
    limit: int,
    version: str | None,
    as_of: str | None,
    engine: str,
    png: Path | None,
    how: str,
    settings: Settings,
) -> None:
    """Show a report, or all of them; without a name, list them.

    Times are of the events, in UTC; a half hour that began before --since counts in full. Both
    engines give the same rows; Spark takes seconds to start and suits large lakes.

    \b
      logpond report
      logpond report top-errors --since 24h
      logpond report all --since 7d
      logpond report hourly --format csv
      logpond report endpoints --as-of "1 hour ago"
      logpond report endpoints --as-of before-deploy
      logpond report addresses --limit 100 --engine spark
      logpond report endpoint-daily --since 30d --png errors.png
      logpond report patterns --since 24h --new-since 1h
    """
    now = datetime.now(UTC)
    if name is None:
        render.show(_all_reports(), how, sys.stdout)
        return
    if png and not (name in REPORTS and REPORTS[name].figure):
        raise SettingsError(f"report {name} has no figure", f"--png draws {_with_figure()}")
    if new_since and not (name in REPORTS and REPORTS[name].fold):
        raise SettingsError(f"report {name} has nothing that is new", "--new-since is of patterns")
    asked = partial(
        run,
        places=Places.of(settings),
        since=time(since, now, "--since") if since else None,
        new_since=time(new_since, now, "--new-since") if new_since else None,
        limit=limit,
        at=moment(version, as_of, now),
        spark=spark_of(settings) if engine == "spark" else None,
        limits=settings.sql,
    )
    if name == ALL:
        _show_all(asked, how, since)
        return
    found = asked(REPORTS[name])
    _say_sources(found)
    if png:
        draw(REPORTS[name], found, png)
        echo(f"drawn in {png}", err=True)
    _show(REPORTS[name], found, how, since)


def _show(of: Report, found: pa.Table, how: str, since: str | None) -> None:
    if how == "table":
        echo(_head(of, since), err=True)
    render.show(render.Rows.of_arrow(found), how, sys.stdout, HUMANE)


def _say_sources(found: pa.Table) -> None:
    for line in sources.of(found):
        echo(line, err=True)


def _show_all(asked: Callable[[Report], pa.Table], how: str, since: str | None) -> None:
    """Prints each report under its title, or one JSON object; a missing table becomes a note."""
    if how == "csv":
        raise SettingsError("reports have different columns", "give one, or --format json")
    found: dict[str, Any] = {}
    for name, of in REPORTS.items():
        try:
            rows = asked(of)
        except TableError as error:
            echo(f"{name}: {error.what}", err=True)
            continue
        _say_sources(rows)
        found[name] = rows.to_pylist()
        if how == "table":
            _show(of, rows, how, since)
            echo()
    if not found:
        raise TableError("no report has a table in this lake", FILL)
    if how == "json":
        render.show_object(found, sys.stdout)


def _with_figure() -> str:
    return ", ".join(one.name for one in REPORTS.values() if one.figure)


def _all_reports() -> render.Rows:
    rows = [[one.name, one.table, one.title] for one in REPORTS.values()]
    return render.Rows(["report", "of", "what it shows"], rows)


def _head(of: Report, since: str | None) -> str:
    return of.title + (f"; since {since}" if since else "")
