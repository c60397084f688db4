"""The command `verify`, which counts the promise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import click

from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.paths import Places
    from lakehouse.proof.files import FileVerdict
    from lakehouse.proof.verdict import Basis, Verdict

FAULTS = ("gaps", "duplicates", "unexpected", "misplaced")
MOST_FILES = 20
MOST_COMMITS = 5


@click.command()
@click.option("--full", is_flag=True, help="Recount everything, as if nothing was proved before.")
@FORMAT
@with_places
def verify(full: bool, how: str, places: Places) -> None:
    """Prove that every record is once in `logs`, or else once in open quarantine.

    Counts, by partition of the topic, from the first offset that ingest took to the end of its last
    completed batch, and by imported file, at pinned versions; the stream, and an import, may go on
    meanwhile. JSON is one object; a table lists twenty files, and those at fault.

    What was proved stays proved: a run that finds nothing wrong leaves a proof in the lake, and the
    next one looks at what came since: rows, rewritten files, windows that were closed or touched.
    Data files that were proved must be there, unchanged by size, times and number of the file, or
    else by their bytes. Where more happened than that (`retain`, `erase`, a restored table), all is
    recounted, as with --full, and the output says why.

    \b
    gaps          records in neither table
    duplicates    records more than once in logs, or in open quarantine
    unexpected    rows with coordinates that no batch and no file took
    misplaced     rows in another date or hour than their timestamp's
    in_flight     rows of a batch or a file that is being committed (no fault)
    wrong         closed windows that differ from a recount of the rows that they counted
    late          closed windows for which rows came later: `logpond reconcile` (no fault)
    invisible     offsets that Kafka gives to no reader: marks of transactions, records of aborted
                  ones, records that compaction removed (no fault)
    retained      offsets whose rows `retain` deleted (no fault)
    ledger_faults what was changed in the ledger of commits, is missing, or does not add up to the
                  rows of its table
    ledger_lost   what a ledger that was lost and made again does not know any more: said once, by
                  the first run after it (no fault)
    erased        offsets whose rows were erased on request: `logpond erase` (no fault)
    lost          records that are lost, and acknowledged: `logpond acknowledge-loss` (no fault)

    \b
    exit 0  the promise holds     1  it does not     3  nothing was ingested or imported yet

    \b
      logpond verify
      logpond verify --full
      logpond verify --format json
    """
    from lakehouse.proof.verify import verify as prove

    verdict = prove(places, full)
    if how == "json":
        render.show_object(verdict.as_dict(), sys.stdout)
    else:
        render.show(_rows(verdict, how), how, sys.stdout, HUMANE)
    if how == "table":
        echo(render_verdict(verdict))
    sys.exit(0 if verdict.ok else 1)


def _rows(verdict: Verdict, how: str) -> render.Rows:
    """Returns a row for each partition, then for each file; of many files only those at fault."""
    from lakehouse.proof.verdict import PartitionVerdict

    columns = tuple(field.name for field in fields(PartitionVerdict))
    partitions = [asdict(partition) for partition in verdict.partitions]
    files = verdict.files
    if how == "table" and len(files) > MOST_FILES:
        files = [file for file in files if file.is_at_fault]
    return render.Rows.of_dicts([*partitions, *(_row(file, how) for file in files)], columns)


def _row(file: FileVerdict, how: str) -> dict[str, object]:
    name = file.path if how == "table" else f"file:{file.sha256}"
    of_topics = {"partition": 0, "first": 0, "end": file.records, "invisible": 0, "lost": 0}
    return {**asdict(file), **of_topics, "topic": name}


def render_verdict(verdict: Verdict) -> str:
    """Renders a verdict in a few lines."""
    gaps = [
        f"  gap: {g['topic']}, partition {g['partition']}, offsets {g['first']} to {g['last']}"
        for g in verdict.examples_of_gaps
    ]
    faults = ", ".join(f"{getattr(verdict, name):,} {name}" for name in FAULTS)
    tables = f"{verdict.logs:,} in logs, {verdict.quarantine:,} in open quarantine"
    files = f"{len(verdict.files):,} imported files, " if verdict.files else ""
    repeated = f"{verdict.duplicate_event_ids:,} repeated event ids"
    news = f"{files}{verdict.in_flight:,} in flight, {repeated}"
    windows = (
        f"{verdict.windows_checked:,} closed windows: {verdict.windows_wrong:,} wrong, "
        f"{verdict.windows_late:,} lack {verdict.late_rows:,} late rows"
    )
    head = "ok" if verdict.ok else "NOT OK"
    return "\n".join(
        [
            f"{head}: {verdict.records:,} records: {tables}",
            f"  {faults}",
            f"  {news}",
            f"  {windows}",
            *_absent(verdict),
            *gaps,
            *(f"  ledger of commits: {fault}" for fault in verdict.ledger_faults),
            *(f"  ledger of commits: {line}" for line in verdict.ledger_lost),
            *_late(verdict),
            *_foreign(verdict),
            *_basis(verdict.proof),
        ]
    )


def _basis(basis: Basis) -> Iterator[str]:
    """Yields what was proved before, what was looked at now, and what the next run can build on."""
    hashed = f"{basis.hashed:,} hashed" if basis.hashed else "none hashed"
    now = f"{basis.rows:,} rows, {basis.files:,} files ({hashed}), {basis.windows:,} windows"
    if basis.at:
        before = f"{basis.rows_before:,} rows, {basis.files_before:,} files unchanged"
        yield f"  proved before: {before} (proof {basis.number} of {basis.at})"
        yield f"  looked at now: {now}"
    else:
        yield f"  all was counted ({basis.why}): {now}"
    if basis.not_noted:
        yield f"  no proof is left: {basis.not_noted}"


def _absent(verdict: Verdict) -> Iterator[str]:
    """Yields the offsets without a row that are no gaps, and why."""
    if verdict.invisible or verdict.retained:
        yield f"  {verdict.invisible:,} offsets invisible, {verdict.retained:,} retained"
    if verdict.erased:
        yield f"  erased on request: {verdict.erased:,}"
    if verdict.retained_by:
        by_rule = verdict.retained_by.items()
        rules = ", ".join(f"{count:,} by {rule or 'an earlier retain'}" for rule, count in by_rule)
        yield f"    of these went {rules}"
    if verdict.losses:
        yield f"  {verdict.lost:,} records lost and acknowledged:"
    for loss in verdict.losses:
        where = f"{loss['topic']}, partition {loss['partition']}"
        offsets = f"offsets {loss['first']} to {loss['last']}"
        yield f"    {where}, {offsets}: {loss['reason']} ({loss['by']}, {loss['at']})"


def _foreign(verdict: Verdict) -> Iterator[str]:
    """Yields the newest commits that are none of ours, those that changed something first."""
    found = sorted(verdict.foreign_commits, key=lambda one: one.is_harmless)
    for one in found[:MOST_COMMITS]:
        moved = ", which moves rows only" if one.is_harmless else ""
        name = f"{one.table} version {one.version}"
        yield f"  not by logpond: {name}, {one.operation} of {one.engine}{moved}"
    if len(found) > MOST_COMMITS:
        yield f"  not by logpond: {len(found) - MOST_COMMITS:,} more commits"


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
