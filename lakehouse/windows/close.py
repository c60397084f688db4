"""Closes windows: counts them from the newest `logs`, and writes them whole, one commit a day.

Days of few rows are closed together: a history of years spread thin is some commits, not thousands.

After a crash between two commits the horizon in each table says where the next run continues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.store import Replacement, data_files, open_table, replace
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import DAY, Rollup
from lakehouse.windows.count import counting
from lakehouse.windows.horizon import horizon, mark, midnight, stored

# What is closed by one commit: a day, or days that have no more rows than this together. What they
# come to is held in memory.
AT_ONCE_ROWS, AT_ONCE_DAYS = 100_000, 400


@dataclass(frozen=True)
class Closed:
    """One commit: the windows from `first` up to `end`, as `rows` rows of the table."""

    table: str
    first: datetime
    end: datetime
    rows: int
    windows: int
    requests: int


def close(
    places: Places, rollup: Rollup, end: datetime, most_rows: int = AT_ONCE_ROWS
) -> Iterator[Closed]:
    """Closes every window up to `end` that has rows and is open. Yields each commit.

    A commit has at most `most_rows` rows of `logs`, or one day. Raises TableError where the table
    does not exist, or where other writers kept winning.
    """
    while done := _close_days(places, rollup, end, most_rows):
        yield done


def _close_days(places: Places, rollup: Rollup, end: datetime, most_rows: int) -> Closed | None:
    spans: list[tuple[datetime, datetime]] = []

    def made(current: DeltaTable) -> Replacement | None:
        logs = open_table(places, LOGS)
        span = next_span(horizon(current), end, rows_by_day(logs), most_rows)
        if span is None:
            return None
        spans.append(span)
        return _closing(places, rollup, current, logs, span)

    done = replace(places, rollup.table(), made)
    return _closed(rollup, done, spans[-1]) if done else None


def next_span(
    since: datetime | None, end: datetime, rows: Mapping[date, int], most_rows: int = 0
) -> tuple[datetime, datetime] | None:
    """Returns the times to close next: up to `end`, or to the end of the first day with rows.

    The days after it too, while all have at most `most_rows` rows together. A day that was begun is
    also ended, even if `retain` has deleted its rows meanwhile.
    """
    begun = {since.date()} if since and since != midnight(since) else set()
    days = sorted({*rows, *begun})
    due = [day for day in days if since is None or _first(day) + DAY > since]
    if not due:
        return None
    first = max(_first(due[0]), since or _first(due[0]))
    taken = accumulate(rows.get(day, 0) for day in due)
    together = [day for day, so_far in zip(due, taken, strict=True) if so_far <= most_rows]
    last = [day for day in together[:AT_ONCE_DAYS] if _first(day) < end][-1:] or due[:1]
    until = min(end, _first(last[0]) + DAY)
    return (first, until) if first < until else None


def days_of(logs: DeltaTable) -> list[date]:
    """Returns the days for which `logs` has files, in order."""
    return [*rows_by_day(logs)]


def rows_by_day(logs: DeltaTable) -> dict[date, int]:
    """Returns how many rows each day of `logs` has, in the order of the days."""
    files = data_files(logs, flatten=True)
    found = files.group_by("partition.date").aggregate([("num_records", "sum")])
    days, counts = found["partition.date"].to_pylist(), found["num_records_sum"].to_pylist()
    return dict(sorted(zip(days, (count or 0 for count in counts), strict=True)))


def _closing(
    places: Places,
    rollup: Rollup,
    current: DeltaTable,
    logs: DeltaTable,
    span: tuple[datetime, datetime],
) -> Replacement | None:
    """Returns the rows of a span, and of the days that end in it; None for no rows."""
    first, until = span
    begin, ended = midnight(first), midnight(until)
    with counting(places, logs, (first.date(), until.date())) as count:
        rows = count.windows(rollup, first, until)
        if not rows.num_rows and ended == begin:
            return None
        if ended > begin:
            parts = [rows] if first == begin else [_before(current, rollup, first), rows]
            of_days = _up_to(pa.concat_tables(parts), ended)
            rows = pa.concat_tables([rows, count.days(rollup, of_days)])
    where = windows_in(rollup.granularity, first, until)
    if ended > begin:
        where += f" OR {windows_in('1d', begin, ended)}"
    return Replacement(rows, where, mark(until), {"writer": "windows"})


def windows_in(granularity: str, first: datetime, end: datetime) -> str:
    """Returns SQL for the windows of a granularity that start from `first` on and before `end`."""
    return (
        f"(granularity = '{granularity}' AND window_start >= {instant(first)} "
        f"AND window_start < {instant(end)})"
    )


def instant(at: datetime) -> str:
    """Renders a time for predicates of deltalake; a typed literal would have another precision."""
    return f"'{at:%Y-%m-%dT%H:%M:%SZ}'"


def _before(current: DeltaTable, rollup: Rollup, until: datetime) -> pa.Table:
    """Returns the half hours of a day that are already closed."""
    return _up_to(stored(current, rollup, rollup.granularity, midnight(until)), until)


def _up_to(rows: pa.Table, until: datetime) -> pa.Table:
    return rows.filter(pc.less(rows["window_start"], pa.scalar(until, rows["window_start"].type)))


def _first(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _closed(rollup: Rollup, done: Replacement, span: tuple[datetime, datetime]) -> Closed:
    windows = done.rows.filter(pc.equal(done.rows["granularity"], rollup.granularity))
    return Closed(
        table=rollup.name,
        first=span[0],
        end=span[1],
        rows=done.rows.num_rows,
        windows=len(pc.unique(windows["window_start"])),
        requests=pc.sum(windows[rollup.sums[0].name]).as_py() or 0,
    )
