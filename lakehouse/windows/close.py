"""Closes windows: counted from the newest `logs`, written whole, a day a commit.

A process that dies between two commits leaves a horizon in each table from which the next goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.store import Replacement, open_table, replace
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import DAY, Rollup
from lakehouse.windows.count import counting
from lakehouse.windows.horizon import horizon, mark, midnight, stored


@dataclass(frozen=True)
class Closed:
    """One commit: the windows from `first` up to `end`, as `rows` rows of the table."""

    table: str
    first: datetime
    end: datetime
    rows: int
    windows: int
    requests: int


def close(places: Places, rollup: Rollup, end: datetime) -> Iterator[Closed]:
    """Close every window up to `end` that has rows and is not closed; each commit as it is done.

    Raises TableError where the table is not there, or others kept winning.
    """
    while done := _close_a_day(places, rollup, end):
        yield done


def _close_a_day(places: Places, rollup: Rollup, end: datetime) -> Closed | None:
    spans: list[tuple[datetime, datetime]] = []

    def made(current: DeltaTable) -> Replacement | None:
        logs = open_table(places, LOGS)
        span = next_span(horizon(current), end, days_of(logs))
        if span is None:
            return None
        spans.append(span)
        return _closing(places, rollup, current, logs, span)

    done = replace(places, rollup.table(), made)
    return _closed(rollup, done, spans[-1]) if done else None


def next_span(
    since: datetime | None, end: datetime, days: list[date]
) -> tuple[datetime, datetime] | None:
    """What is to be closed next: up to `end`, or to the end of the first day that has rows.

    A day that was begun is ended, also where `retain` deleted its rows meanwhile.
    """
    begun = {since.date()} if since and since != midnight(since) else set()
    for day in sorted({*days, *begun}):
        first = datetime.combine(day, time(), UTC)
        if first + DAY > (since or first):
            first = max(first, since or first)
            until = min(end, midnight(first) + DAY)
            return (first, until) if first < until else None
    return None


def days_of(logs: DeltaTable) -> list[date]:
    """The days of which `logs` has files, in order."""
    files = pa.table(logs.get_add_actions(flatten=True))
    return sorted(pc.unique(files["partition.date"]).to_pylist())


def _closing(
    places: Places,
    rollup: Rollup,
    current: DeltaTable,
    logs: DeltaTable,
    span: tuple[datetime, datetime],
) -> Replacement | None:
    """The rows of a span, with its day where that ends with it; None where there are none."""
    first, until = span
    ends_day = until == midnight(until)
    with counting(places, logs) as count:
        rows = count.windows(rollup, first, until)
        if not rows.num_rows and not ends_day:
            return None
        if ends_day:
            of_day = pa.concat_tables([_before(current, rollup, first), rows])
            rows = pa.concat_tables([rows, count.days(rollup, of_day)])
    where = windows_in(rollup.granularity, first, until)
    if ends_day:
        where += f" OR {windows_in('1d', midnight(first), until)}"
    return Replacement(rows, where, mark(until), {"writer": "windows"})


def windows_in(granularity: str, first: datetime, end: datetime) -> str:
    """The windows of a granularity that start from `first` on and before `end`."""
    return (
        f"(granularity = '{granularity}' AND window_start >= {instant(first)} "
        f"AND window_start < {instant(end)})"
    )


def instant(at: datetime) -> str:
    """A time as predicates of deltalake write it: a typed literal would have another precision."""
    return f"'{at:%Y-%m-%dT%H:%M:%SZ}'"


def _before(current: DeltaTable, rollup: Rollup, until: datetime) -> pa.Table:
    """The half hours of a day that are closed already."""
    rows = stored(current, rollup, rollup.granularity, midnight(until))
    return rows.filter(pc.less(rows["window_start"], pa.scalar(until, rows["window_start"].type)))


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
