"""Renders the report of `watch-time`: words for a person, one object for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batch.jobs.watch_time.job import Plan, Report
from batch.jobs.watch_time.pool import Failure, Result
from batch.jobs.watch_time.totals import Region
from batch.jobs.watch_time.workspace import Note
from lakehouse.terminal.options import HUMANE
from lakehouse.terminal.render import Rows, escaped

COLUMNS = Region._fields


def render_result(one: Result) -> str:
    """A line of progress: what a file gave, or why it gave nothing."""
    if isinstance(one, Failure):
        return escaped(f"{one.file}: FAILED: {one.reason}")
    rejects = sum(one.rejects.values())
    return escaped(
        f"{one.file}: {one.rows:,} rows, {one.duplicates:,} duplicates, {rejects:,} rejects; "
        f"{one.seconds:.1f} s, {_size(one.size / one.seconds)}/s, peak {_size(one.peak_bytes)}"
    )


def render_regions(report: Report) -> Rows:
    """A row a region: users, views, copies (duplicates across files too), minutes."""
    return Rows(COLUMNS, [[*one] for one in report.regions])


def render_plan(plan: Plan) -> Rows:
    """A row a file: whether it is clean already."""
    done = [[note.file, note.size, "clean"] for note in plan.done]
    to_do = [[one.name, one.size, "to be cleaned"] for one in plan.to_do]
    return Rows(["file", "bytes", "state"], sorted(done + to_do))


def as_dict(report: Report) -> dict[str, Any]:
    """All of it as plain values."""
    return {
        "files": {
            "in_totals": len(report.notes),
            "cleaned_now": report.cleaned,
            "failed": [one._asdict() for one in report.failures],
        },
        **report.counts(),
        "added_up": report.added_up,
        "regions": [one._asdict() for one in report.regions],
        "file_peak_bytes": _highest(report.notes),
        "bound_by": bound_by(report),
        "performance": report.performance.as_dict(),
    }


def bound_by(report: Report) -> str:
    """The phase that took the most time."""
    return max(report.performance.phases, key=lambda phase: phase.seconds).name


def render_summary(report: Report) -> Iterator[str]:
    """What became of all rows, in lines."""
    counts = report.counts()
    rejects = ", ".join(f"{reason} {count:,}" for reason, count in counts["rejects"].items())
    yield (
        f"{counts['rows']:,} rows = {counts['views']:,} views + {counts['duplicates_in_files']:,} "
        f"duplicates in files + {counts['duplicates_across_files']:,} across files + "
        f"{sum(counts['rejects'].values()):,} rejects{f' ({rejects})' if rejects else ''}"
    )
    known = len(report.notes) - report.cleaned
    yield (
        f"{len(report.notes):,} files in the totals, {known:,} of them clean before; the largest "
        f"process of one file held {_size(_highest(report.notes))}"
    )
    yield from (f"FAILED {escaped(one.file)}: {escaped(one.reason)}" for one in report.failures)
    if not report.notes:
        yield "no file could be cleaned: nothing was added up, and earlier totals stay as they are"
    elif not report.added_up:
        yield "the totals are of these very files already: nothing was added up"
    yield f"bound by: {bound_by(report)}"


def _highest(notes: list[Note]) -> int:
    return max((note.peak_bytes for note in notes), default=0)


def _size(value: float) -> str:
    return HUMANE["bytes"](value)
