"""Commands that maintain a table: detail, optimize, vacuum, retain, restore."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from analytics.commands.tables import table_names
from lakehouse import maintenance
from lakehouse.errors import SettingsError
from lakehouse.maintenance import Retained, Shape, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.query.upkeep_statement import Optimize, Vacuum, columns
from lakehouse.store.tags.naming import version_of
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings

TABLE = click.argument("table", default="logs", shell_complete=table_names)
INGESTED = (LOGS.name, QUARANTINE.name)
SHAPE = tuple(Shape.__dataclass_fields__)
RULES = tuple(maintenance.Applied.__dataclass_fields__)


@click.command()
@TABLE
@FORMAT
@with_places
def detail(table: str, how: str, places: Places) -> None:
    """Show the size of a table: files, small files (under 16 MB), bytes, versions.

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
@click.argument("table", required=False, shell_complete=table_names)
@click.option("--days", type=int, metavar="N", help="Keep N days before the newest, of logs.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@FORMAT
@with_settings
def retain(
    table: str | None, days: int | None, dry_run: bool, how: str, settings: Settings
) -> None:
    """Delete rows that are older than [retention] of the settings says, or than N days.

    Without --days each rule there is applied, of one table or of all: by service, by source, by
    table, and for copies of imported files. A row goes by one rule, that of its service first, then
    that of its source. Upkeep does the same by itself, once for each new date.

    The clock is the rows' own `date`, not the wall's: days count back from the newest date of the
    table. Each rule is one commit, beside a running stream. `logpond verify` then counts what went
    by which rule, and `recover ingest` does not read it again. Older versions hold the rows until a
    vacuum, those with a name until that is deleted.

    \b
      logpond retain --dry-run
      logpond retain logs --days 30 --dry-run
      logpond retain logs --days 30
    """
    places = Places.of(settings)
    if days is None:
        _by_rules(places, settings, table, dry_run, how)
        return
    done = maintenance.retain(places, table or LOGS.name, days, dry_run)
    dates = {"before": len(done.gone) + len(done.kept), "after": len(done.kept)}
    _show(done, how, render_retained(done, dry_run), dates)


@click.command()
@click.argument("table", shell_complete=table_names)
@click.option("--version", "to", required=True, metavar="N|NAME", help="The version to go back to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@FORMAT
@with_places
def restore(table: str, to: str, yes: bool, how: str, places: Places) -> None:
    """Make a new version of a table that holds the rows of an older one; nothing is deleted.

    Stop the stream first: `logs` and `quarantine` are refused while it runs. The commands to run
    afterwards are printed at the end. Exit 2 where nobody can be asked and --yes is not given.

    \b
      logpond history logs
      logpond restore logs --version 12
      logpond restore logs --version 12 --yes && logpond recover ingest && logpond stream
      logpond restore logs --version before-deploy
    """
    version = version_of(places, table, to)
    if not yes:
        _confirm(question(places, table, version))
    done = maintenance.restore(places, table, version)
    _show(done, how, render_restored(done, version))
    if how != "table":
        echo(next_steps(table, version), err=True)


def _by_rules(
    places: Places, settings: Settings, table: str | None, dry_run: bool, how: str
) -> None:
    """Applies the rules of the settings, and shows a row for each."""
    done = [*by_rules(places, settings, table, dry_run)]
    if not done:
        raise SettingsError(
            "no rule says how long rows are kept",
            "give --days N, or write rules into [retention] of conf/logpond.toml",
        )
    rows = [{**asdict(one), "named": ", ".join(one.named)} for one in done]
    render.show(render.Rows.of_dicts(rows, RULES), how, sys.stdout, HUMANE)
    if how == "table":
        gone, weight = (
            sum(one.rows for one in done),
            HUMANE["bytes"](sum(one.bytes for one in done)),
        )
        what = "would go; nothing was deleted" if dry_run else "are gone"
        echo(f"{gone:,} rows and copies, about {weight}, {what}")


def by_rules(
    places: Places, settings: Settings, table: str | None, dry_run: bool
) -> Iterator[maintenance.Applied]:
    """Applies the rules of one table that there is, or of all and of copies; yields each."""
    retention, days = settings.retention, settings.upkeep.retain_days
    there = [name for name in pinned.names(places) if name in TABLES]
    if table is not None and table not in there:
        raise pinned.absent(places, table)
    for name in there if table is None else [table]:
        for rule in maintenance.rules_of(retention, days, name):
            yield maintenance.apply(places, rule, dry_run)
    if table is None and retention.raw_days:
        yield maintenance.retain_raw(places, retention.raw_days, datetime.now(UTC), dry_run)


def run(statement: Optimize | Vacuum, how: str, places: Places) -> None:
    """Runs the statement, and shows the table before and after."""
    if isinstance(statement, Optimize):
        done = maintenance.optimize(places, statement.table, statement.zorder, _progress)
        _show(done, how, f"{done.operation} {done.table}: rows and older versions are as they were")
    else:
        done = maintenance.vacuum(places, statement.table, statement.hours, statement.dry_run)
        _show(done, how, render_vacuumed(done, statement.dry_run))


def _show(done: Upkeep, how: str, summary: str, dates: dict[str, int] | None = None) -> None:
    """Prints the table before and after, and a summary for people."""
    rows = [{"when": "before", **asdict(done.before)}, {"when": "after", **asdict(done.after)}]
    if dates:
        rows = [{**row, "dates": dates[row["when"]]} for row in rows]
    columns = ("when", *SHAPE, *(["dates"] if dates else []))
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, HUMANE)
    if how == "table":
        echo(summary)


def _is_somebody_there() -> bool:
    return sys.stdin.isatty()


def _confirm(question: str) -> None:
    if not _is_somebody_there():
        raise SettingsError(f"nobody is here to answer: {question}", "give --yes if it is meant")
    click.confirm(question, abort=True, err=True)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {of} partitions", nl=done == of, err=True)


def render_vacuumed(done: Upkeep, dry_run: bool) -> str:
    """Renders what VACUUM did, or would do."""
    if dry_run:
        what = f"VACUUM {done.table}: {done.removed} files would go; nothing was deleted"
        return f"{what}{_named(done, 'would stay')}"
    return (
        f"VACUUM {done.table}: {done.removed} files are gone; "
        f"the oldest version that can be read is {done.after.oldest_version}"
        f"{_named(done, 'stay')}"
    )


def _named(done: Upkeep, stay: str) -> str:
    """Renders which older versions keep their files because they have a name."""
    names = ", ".join(f"{name} (version {version})" for name, version in done.named.items())
    return f"\nkept by their names: files of {names} {stay}" if names else ""


def render_retained(done: Retained, dry_run: bool) -> str:
    """Renders what `retain` did, or would do."""
    if not done.gone:
        return f"RETAIN {done.table}: no date before {done.first} is there; nothing was deleted"
    rows = (
        "?"
        if done.before.rows is None or done.after.rows is None
        else (f"{done.before.rows - done.after.rows:,}")
    )
    size = HUMANE["bytes"](done.before.bytes - done.after.bytes)
    what = (
        f"RETAIN {done.table}: {len(done.gone)} dates from {done.gone[0]} to {done.gone[-1]}, "
        f"{rows} rows, {size} in {done.removed} files"
    )
    if dry_run:
        return f"{what} would go; nothing was deleted{_named(done, 'would stay')}"
    return f"{what} are gone; older versions hold them until a vacuum{_named(done, 'stay')}"


def question(places: Places, table: str, version: int) -> str:
    """Returns the question that `restore` asks first."""
    newest = shape(places, table)
    then = maintenance.restorable(places, table, version).count()
    now = "an unknown number of" if newest.rows is None else f"{newest.rows:,}"
    return (
        f"restore {table} from version {newest.version} ({now} rows) "
        f"to version {version} ({then:,} rows)?"
    )


def render_restored(done: Upkeep, version: int) -> str:
    """Renders what `restore` did, and what comes next."""
    return (
        f"RESTORE {done.table}: the newest version has the rows of version {version}; "
        f"nothing was deleted\n{next_steps(done.table, version)}"
    )


def next_steps(table: str, version: int) -> str:
    """Renders what has to be run after `restore`."""
    if table in INGESTED:
        return (
            f"next: ingest holds what came after version {version} for done, so bring it again:\n"
            "  1. logpond recover ingest   starts at the first record missing, if Kafka has it\n"
            "  2. logpond stream\n"
            "  3. logpond import --again   brings files that were imported since\n"
            "  4. logpond reconcile        recounts the windows"
        )
    return f"next: logpond reconcile   recounts the windows that {table} lacks now"
