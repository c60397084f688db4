"""Commands of the analytics program: sql, history, tables, verify."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.query.ask import ENGINES, ask, moment
from lakehouse.query.upkeep_statement import parse
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, given, with_places, with_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.proof.files import FileVerdict
    from lakehouse.proof.verify import Verdict
    from lakehouse.settings import Settings

FAULTS = ("gaps", "duplicates", "unexpected", "misplaced")
MOST_FILES = 20


def table_names(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """What a shell completes: the tables that are there, else those that may be."""
    from lakehouse.query import pinned
    from lakehouse.tables.catalog import TABLES

    there = pinned.names(Places.of(given(ctx)))
    return [name for name in there or TABLES if name.startswith(begun)]


@click.command()
@click.argument("statement")
@click.option("--version", type=int, metavar="N", help="Read every table at this version.")
@click.option("--as-of", metavar="TIME", help="Read every table as it was then.")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@FORMAT
@with_settings
def sql(
    statement: str,
    version: int | None,
    as_of: str | None,
    engine: str,
    how: str,
    settings: Settings,
) -> None:
    """Ask the tables of the lake by name: one statement, which leaves rows as they are.

    TIME is RFC 3339, a date (its first instant), '10 minutes ago' or -10m; UTC where it names no
    zone. All times are UTC. DuckDB also reads files: FROM 'hosts.csv'. Spark takes seconds to
    start, and knows DESCRIBE HISTORY logs and DESCRIBE DETAIL logs too. OPTIMIZE and VACUUM do
    what the commands of these names do.

    \b
      logpond sql "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
      logpond sql "SELECT COUNT(*) AS rows FROM logs" --as-of "10 minutes ago"
      logpond sql "DESCRIBE logs" --format csv
      logpond sql "DESCRIBE HISTORY logs" --engine spark
      logpond sql "OPTIMIZE logs ZORDER BY (endpoint, status_code)"
    """
    if upkeep_statement := parse(statement):
        from analytics.commands import upkeep

        upkeep.run(upkeep_statement, how, Places.of(settings))
        return
    at = moment(version, as_of, datetime.now(UTC))
    if at.as_of:
        click.echo(f"as of {at.as_of:%Y-%m-%d %H:%M:%S} UTC", err=True)
    spark = spark_of(settings) if engine == "spark" else None
    found = ask(Places.of(settings), statement, at, spark)
    render.show(render.Rows.of_arrow(found), how, sys.stdout)


@click.command()
@click.argument("table", shell_complete=table_names)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@FORMAT
@with_places
def history(table: str, limit: int, how: str, places: Places) -> None:
    """Show the newest versions of a table: when, by whom, and how many rows each added.

    \b
      logpond history logs
      logpond history logs --limit 1000 --format json
    """
    from analytics.look import history as look

    found = look.versions(places, table, limit)
    render.show(render.Rows.of_dicts(look.dicts(found), look.VERSION), how, sys.stdout, HUMANE)
    if how == "table":
        click.echo(f"oldest version still readable: {look.oldest(places, table)}")


@click.command()
@FORMAT
@with_places
def tables(how: str, places: Places) -> None:
    """List the tables of the lake: rows, files, bytes, version, last commit.

    \b
      logpond tables
      logpond tables --format json
    """
    from analytics.look import history as look

    found = look.overviews(places)
    render.show(render.Rows.of_dicts(look.dicts(found), look.OVERVIEW), how, sys.stdout, HUMANE)


@click.command()
@FORMAT
@with_places
def verify(how: str, places: Places) -> None:
    """Prove that every record is once in `logs`, or else once in open quarantine.

    Counts, by partition of the topic, from the first offset that ingest took to the end of its last
    completed batch, and by imported file, at pinned versions; the stream, and an import, may go on
    meanwhile. JSON is one object; a table lists twenty files, and those at fault.

    \b
    gaps          records in neither table
    duplicates    records more than once in logs, or in open quarantine
    unexpected    rows with coordinates that no batch and no file took
    misplaced     rows in another date or hour than their timestamp's
    in_flight     rows of a batch or a file that is being committed (no fault)
    wrong         closed windows that differ from a recount of the rows that they counted
    late          closed windows for which rows came later: `logpond reconcile` (no fault)

    \b
    exit 0  the promise holds     1  it does not     3  nothing was ingested or imported yet

    \b
      logpond verify
      logpond verify --format json
    """
    from lakehouse.proof.verify import verify as prove

    verdict = prove(places)
    if how == "json":
        render.show_object(verdict.as_dict(), sys.stdout)
    else:
        render.show(_rows(verdict, how), how, sys.stdout, HUMANE)
    if how == "table":
        click.echo(render_verdict(verdict))
    sys.exit(0 if verdict.ok else 1)


def _rows(verdict: Verdict, how: str) -> render.Rows:
    """Each partition, then each file as one; a table of many files has those at fault alone."""
    from lakehouse.proof.verify import PartitionVerdict

    columns = tuple(field.name for field in fields(PartitionVerdict))
    partitions = [asdict(partition) for partition in verdict.partitions]
    files = verdict.files
    if how == "table" and len(files) > MOST_FILES:
        files = [file for file in files if file.is_at_fault]
    return render.Rows.of_dicts([*partitions, *(_row(file, how) for file in files)], columns)


def _row(file: FileVerdict, how: str) -> dict[str, object]:
    name = file.path if how == "table" else f"file:{file.sha256}"
    return {**asdict(file), "topic": name, "partition": 0, "first": 0, "end": file.records}


def render_verdict(verdict: Verdict) -> str:
    """Render a verdict in a few lines."""
    gaps = [
        f"  gap: partition {g['partition']}, offsets {g['first']} to {g['last']}"
        for g in verdict.examples_of_gaps
    ]
    faults = ", ".join(f"{getattr(verdict, name):,} {name}" for name in FAULTS)
    tables = f"{verdict.logs:,} in logs, {verdict.quarantine:,} in open quarantine"
    files = f"{len(verdict.files):,} imported files, " if verdict.files else ""
    repeated = f"{verdict.duplicate_event_ids:,} repeated event ids"
    news = f"{files}{verdict.in_flight:,} in flight, {repeated}"
    windows = (
        f"{verdict.windows_checked:,} windows recounted: {verdict.windows_wrong:,} wrong, "
        f"{verdict.windows_late:,} lack {verdict.late_rows:,} late rows"
    )
    head = "ok" if verdict.ok else "NOT OK"
    return "\n".join(
        [
            f"{head}: {verdict.records:,} records: {tables}",
            f"  {faults}",
            f"  {news}",
            f"  {windows}",
            *gaps,
            *_late(verdict),
        ]
    )


def _late(verdict: Verdict) -> Iterator[str]:
    for window in verdict.examples_of_windows:
        what = f"{window.table} {window.granularity} {window.window_start:%Y-%m-%d %H:%M}"
        if window.fault == "late":
            by = round(window.latest_by.total_seconds())
            yield f"  late: {what}, {window.late_rows:,} rows, the last {by:,} s after its end"
        else:
            yield f"  wrong: {what}"
    if verdict.windows_late:
        yield "  `logpond reconcile` counts half hours and days again; minutes stay as they were"


def spark_of(settings: Settings) -> Callable[[], SparkSession]:
    """Starts Spark when it is called, and says so."""

    def start() -> SparkSession:
        from lakehouse.runtime.session import session

        if sys.stderr.isatty():
            click.echo("starting Spark ...", err=True)
        return session(settings, "sql", {"spark.ui.port": "0"})

    return start
