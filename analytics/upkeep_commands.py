"""Commands that keep a table in shape, beside a running stream: detail, optimize, vacuum."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from analytics import render
from analytics.options import FORMAT, HUMANE, LAKE
from analytics.query.upkeep import Optimize, Vacuum, columns
from lakehouse import maintenance
from lakehouse import settings as settings_file
from lakehouse.maintenance import Shape, Upkeep
from lakehouse.paths import Places

TABLE = click.argument("table", default="logs")
SHAPE = tuple(Shape.__dataclass_fields__)


@click.command()
@TABLE
@FORMAT
@LAKE
def detail(table: str, how: str, lake: str | None) -> None:
    """Show what a table weighs: files, small files (under 16 MB), bytes, versions.

    \b
      logpond detail logs
      logpond detail quarantine --format json
    """
    found = asdict(maintenance.shape(_places(lake), table))
    render.show(render.Rows.of_dicts([{"table": table, **found}], ("table", *SHAPE)), how,
                sys.stdout, HUMANE)  # fmt: skip


@click.command()
@TABLE
@click.option("--zorder", default="", metavar="COLUMNS", help="Order by these, comma separated.")
@FORMAT
@LAKE
def optimize(table: str, zorder: str, how: str, lake: str | None) -> None:
    """Merge the small files of each hour; with --zorder, rewrite every hour in that order.

    Rows and older versions stay as they are, and a stream goes on. A conflict is tried again.

    \b
      logpond optimize
      logpond optimize logs --zorder endpoint,status_code
    """
    run(Optimize(table, columns(zorder)), how, lake)


@click.command()
@TABLE
@click.option("--hours", type=int, metavar="H", help="Keep what the last H hours need.  [168]")
@click.option("--dry-run", is_flag=True, help="Only say how many files would go.")
@FORMAT
@LAKE
def vacuum(table: str, hours: int | None, dry_run: bool, how: str, lake: str | None) -> None:
    """Delete files that no version of the last H hours needs; older versions are gone then.

    The default is the table's own retention. Files of a batch under way are never touched.

    \b
      logpond vacuum --dry-run
      logpond vacuum logs --hours 24
    """
    run(Vacuum(table, hours, dry_run), how, lake)


def run(asked: Optimize | Vacuum, how: str, lake: str | None) -> None:
    """Do it, and show the table before and after."""
    places = _places(lake)
    if isinstance(asked, Optimize):
        told = maintenance.optimize(places, asked.table, asked.zorder, _progress)
    else:
        told = maintenance.vacuum(places, asked.table, asked.hours, asked.dry_run)
    rows = [{"when": "before", **asdict(told.before)}, {"when": "after", **asdict(told.after)}]
    render.show(render.Rows.of_dicts(rows, ("when", *SHAPE)), how, sys.stdout, HUMANE)
    if how == "table":
        click.echo(_summary(asked, told))


def _summary(asked: Optimize | Vacuum, told: Upkeep) -> str:
    if isinstance(asked, Optimize):
        return f"{told.operation} {told.table}: rows and older versions are as they were"
    if asked.dry_run:
        return f"VACUUM {told.table}: {told.removed} files would go; nothing was deleted"
    return (f"VACUUM {told.table}: {told.removed} files are gone; "
            f"the oldest version that can be read is {told.after.oldest_version}")  # fmt: skip


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {of} partitions", nl=done == of, err=True)


def _places(lake: str | None) -> Places:
    return Places.of(settings_file.load(lake=lake))
