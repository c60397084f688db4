"""Commands that make windows again from `logs`: reconcile, rebuild."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from lakehouse.paths import Places
from lakehouse.tables.rollups import MINUTES, WINDOWS
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings
    from lakehouse.windows.close import Closed

COLUMNS = ("table", "date", "windows", "wrong", "late", "late_rows")


@click.command()
@click.option("--since", metavar="TIME", help="Look at windows from the day of this time on.")
@FORMAT
@with_settings
def reconcile(since: str | None, how: str, settings: Settings) -> None:
    """Count closed windows again for which rows came late, or which are missing or wrong.

    Each is replaced whole, together with its day; the stream may go on meanwhile. What is shown is
    what was found and mended. Where no window was closed yet, those that are over are closed.
    Minutes with late rows are judged again, as `logpond analyze` does, and what that changes is
    told as a correction.

    \b
      logpond reconcile
      logpond reconcile --since "2 days ago"
      logpond verify
    """
    from lakehouse.terminal.times import time as moment
    from lakehouse.windows.recount import reconcile as recount

    first = moment(since, datetime.now(UTC), "--since").date() if since else None
    rows: list[dict[str, Any]] = []
    for rollup in WINDOWS:
        for day in recount(Places.of(settings), rollup, _late(settings), first):
            late_rows = sum(late.rows for late in day.late)
            counts = (day.windows, len(day.wrong) + len(day.wrong_days), len(day.late), late_rows)
            values = (day.table, day.date, *counts)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
            _show_progress(f"{day.table} {day.date}: {len(day.to_count)} windows counted again")
    render.show(render.Rows.of_dicts(rows, COLUMNS), how, sys.stdout, HUMANE)
    if how == "table":
        echo(f"{sum(row['late_rows'] for row in rows):,} late rows are counted now")
    _judge(Places.of(settings))


@click.command()
@click.argument("rollup", type=click.Choice([rollup.name for rollup in WINDOWS]))
@with_settings
def rebuild(rollup: str, settings: Settings) -> None:
    """Make a rollup again from `logs`, with the window, keys, measures and watermark of today.

    Windows whose rows `retain` deleted from logs stay as they are, unless keys or window changed.
    Readers see right numbers meanwhile. If it is killed, run it again, or start the stream.

    \b
      logpond rebuild traffic
    """
    from lakehouse.windows.recount import rebuild as recount

    began = time.monotonic()
    wanted = next(one for one in WINDOWS if one.name == rollup)
    done: list[Closed] = []
    for closed in recount(Places.of(settings), wanted, _late(settings)):
        done.append(closed)
        _show_progress(f"{rollup} {closed.first:%Y-%m-%d}: {closed.rows:,} rows")
    rows, requests = sum(c.rows for c in done), sum(c.requests for c in done)
    echo(
        f"{rollup} made again: {sum(c.windows for c in done):,} windows, {rows:,} rows, "
        f"{requests:,} requests in {time.monotonic() - began:.1f} s"
    )


def _judge(places: Places) -> None:
    """Has the minutes judged again, if there are any."""
    from lakehouse.store import table_or_none
    from lakehouse.windows.judging import judge

    if table_or_none(places, MINUTES.name) and not judge(places, lambda line: echo(line, err=True)):
        echo("minutes are not judged again: `logpond analyze` does it", err=True)


def _late(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.windows.watermark_minutes)


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():
        echo(text, err=True)
