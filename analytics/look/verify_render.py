"""What `verify` found, for a person: rows by partition and by file, and a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields

from lakehouse.proof.files import FileVerdict
from lakehouse.proof.verify import PartitionVerdict, Verdict
from lakehouse.terminal.render import Rows

COLUMNS = tuple(field.name for field in fields(PartitionVerdict))
FAULTS = ("gaps", "duplicates", "unexpected", "misplaced")
MOST_FILES = 20


def rows(verdict: Verdict, how: str) -> Rows:
    """Each partition, then each file as one; a table of many files has those at fault alone."""
    found = [asdict(partition) for partition in verdict.partitions]
    shown = verdict.files
    if how == "table" and len(shown) > MOST_FILES:
        shown = [file for file in shown if file.is_at_fault]
    return Rows.of_dicts([*found, *(_row(file, how) for file in shown)], COLUMNS)


def _row(file: FileVerdict, how: str) -> dict[str, object]:
    name = file.path if how == "table" else f"file:{file.sha256}"
    return {**asdict(file), "topic": name, "partition": 0, "first": 0, "end": file.records}


def told(verdict: Verdict) -> str:
    """The verdict in a few lines."""
    gaps = [
        f"  gap: partition {g['partition']}, offsets {g['first']} to {g['last']}"
        for g in verdict.examples_of_gaps
    ]
    faults = ", ".join(f"{getattr(verdict, name):,} {name}" for name in FAULTS)
    held = f"{verdict.logs:,} in logs, {verdict.quarantine:,} in open quarantine"
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
            f"{head}: {verdict.records:,} records: {held}",
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
