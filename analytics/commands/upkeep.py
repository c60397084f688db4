"""Commands that keep a table in shape: detail, optimize, vacuum, retain, restore."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from analytics.commands.sql import table_names
from analytics.look import upkeep_render
from lakehouse import maintenance
from lakehouse.errors import SettingsError
from lakehouse.maintenance import Shape, Upkeep
from lakehouse.paths import Places
from lakehouse.query.upkeep_statement import Optimize, Vacuum, columns
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places

TABLE = click.argument("table", default="logs", shell_complete=table_names)
SHAPE = tuple(Shape.__dataclass_fields__)


@click.command()
@TABLE
@FORMAT
@with_places
def detail(table: str, how: str, places: Places) -> None:
    """Show what a table weighs: files, small files (under 16 MB), bytes, versions.

    \b
      logpond detail logs
      logpond detail quarantine --format json
    """
    found = asdict(maintenance.shape(places, table))
    render.show(
        render.Rows.of_dicts([{"table": table, **found}], ("table", *SHAPE)),
        how,
        sys.stdout,
        HUMANE,
    )


@click.command()
@TABLE
@click.option("--zorder", default="", metavar="COLUMNS", help="Order by these, comma separated.")
@FORMAT
@with_places
def optimize(table: str, zorder: str, how: str, places: Places) -> None:
    """Merge the small files of each hour; with --zorder, rewrite every hour in that order.

    Rows and older versions stay as they are, and a stream goes on. A conflict is tried again.

    \b
      logpond optimize
      logpond optimize logs --zorder endpoint,status_code
    """
    run(Optimize(table, columns(zorder)), how, places)


@click.command()
@TABLE
@click.option("--hours", type=int, metavar="H", help="Keep what the last H hours need.  [168]")
@click.option("--dry-run", is_flag=True, help="Only say how many files would go.")
@FORMAT
@with_places
def vacuum(table: str, hours: int | None, dry_run: bool, how: str, places: Places) -> None:
    """Delete files that no version of the last H hours needs; older versions are gone then.

    The default is the table's own retention. Files of a batch under way are never touched.

    \b
      logpond vacuum --dry-run
      logpond vacuum logs --hours 24
    """
    run(Vacuum(table, hours, dry_run), how, places)


@click.command()
@TABLE
@click.option("--days", type=int, required=True, metavar="N", help="Keep N days before the newest.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@FORMAT
@with_places
def retain(table: str, days: int, dry_run: bool, how: str, places: Places) -> None:
    """Delete the rows of every date more than N days before the newest date in the table.

    The clock is the rows' own `date`, not the wall's; whole dates go, in one commit, beside a
    running stream. `logpond verify` then counts from where they end, and `recover ingest` does
    not read them again. Older versions hold the rows until a vacuum.

    \b
      logpond retain logs --days 30 --dry-run
      logpond retain logs --days 30
    """
    told = maintenance.retain(places, table, days, dry_run)
    dates = {"before": len(told.gone) + len(told.kept), "after": len(told.kept)}
    _show(told, how, upkeep_render.retained(told, dry_run), dates)


@click.command()
@click.argument("table", shell_complete=table_names)
@click.option("--version", type=int, required=True, metavar="N", help="The version to go back to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@FORMAT
@with_places
def restore(table: str, version: int, yes: bool, how: str, places: Places) -> None:
    """Make a new version of a table that holds the rows of an older one; nothing is deleted.

    Stop the stream first: `logs` and `quarantine` are refused while it runs. What it has to do
    afterwards is said at the end. Exit 2 where nobody can be asked and --yes is not given.

    \b
      logpond history logs
      logpond restore logs --version 12
      logpond restore logs --version 12 --yes && logpond recover ingest && logpond stream
    """
    if not yes:
        _ask(upkeep_render.question(places, table, version))
    told = maintenance.restore(places, table, version)
    _show(told, how, upkeep_render.restored(told, version))
    if how != "table":
        click.echo(upkeep_render.afterwards(table, version), err=True)


def run(asked: Optimize | Vacuum, how: str, places: Places) -> None:
    """Do it, and show the table before and after."""
    if isinstance(asked, Optimize):
        told = maintenance.optimize(places, asked.table, asked.zorder, _progress)
        _show(told, how, upkeep_render.optimized(told))
    else:
        told = maintenance.vacuum(places, asked.table, asked.hours, asked.dry_run)
        _show(told, how, upkeep_render.vacuumed(told, asked.dry_run))


def _show(told: Upkeep, how: str, said: str, dates: dict[str, int] | None = None) -> None:
    """Both states, and for a person what it means."""
    rows = [{"when": "before", **asdict(told.before)}, {"when": "after", **asdict(told.after)}]
    if dates:
        rows = [{**row, "dates": dates[row["when"]]} for row in rows]
    columns = ("when", *SHAPE, *(["dates"] if dates else []))
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, HUMANE)
    if how == "table":
        click.echo(said)


def _is_somebody_there() -> bool:
    return sys.stdin.isatty()


def _ask(question: str) -> None:
    if not _is_somebody_there():
        raise SettingsError(f"nobody is here to answer: {question}", "give --yes if it is meant")
    click.confirm(question, abort=True, err=True)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {of} partitions", nl=done == of, err=True)
