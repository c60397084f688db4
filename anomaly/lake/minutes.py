"""Reads closed minutes of `logs_windowed` in the form that the engine takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.engine.columns import Ints
from anomaly.engine.histogram import Histograms
from anomaly.engine.incident import start_of
from anomaly.engine.minute import Key, Minutes, rolled_up
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import rows_by_day
from lakehouse.windows.horizon import EPOCH, aligned, horizon

# More rows at a time: fewer reads, and more memory.
AT_ONCE_ROWS = 200_000
_AS_LIST = pa.list_(pa.struct([("key", pa.int32()), ("value", pa.int64())]))


def closed_minutes(table: DeltaTable, after_minute: int = -1) -> Iterator[Minutes]:
    """Yields the closed minutes after one, in order, from a version of `logs_windowed`.

    It holds the rows of one day, or of days that have few together.
    """
    closed = horizon(table)
    if closed is None:
        return
    for rows in by_days(table, start_of(after_minute) if after_minute >= 0 else None):
        start = rows["window_start"]
        is_new = pc.less(start, pa.scalar(closed, start.type))
        if after_minute >= 0:
            is_new = pc.and_(is_new, pc.greater(start, after(after_minute)))
        yield from minutes_of(aligned(rows, MINUTES).filter(is_new))


def by_days(
    table: DeltaTable,
    since: datetime | None = None,
    columns: Sequence[str] | None = None,
    most_rows: int = AT_ONCE_ROWS,
) -> Iterator[pa.Table]:
    """Yields the rows of a version from the day of `since` on, a day or days of few rows at once.

    They are in no order within.
    """
    rows, day = table.to_pyarrow_dataset(), pc.field("date")
    for first, last in _spans_of_days(table, since, most_rows):
        of_days = (day >= pa.scalar(first)) & (day <= pa.scalar(last))
        is_minute = pc.field("granularity") == MINUTES.granularity
        yield rows.to_table(columns and [*columns], filter=of_days & is_minute)


def _spans_of_days(
    table: DeltaTable, since: datetime | None, most_rows: int
) -> Iterator[tuple[date, date]]:
    first = last = None
    together = 0
    for day, rows in rows_by_day(table).items():
        if since and day < since.date():
            continue
        if first and last and together + rows > most_rows:
            yield first, last
            first, together = None, 0
        first, last, together = first or day, day, together + rows
    if first and last:
        yield first, last


def minutes_of(rows: pa.Table) -> Iterator[Minutes]:
    """Yields closed minutes in order: endpoints, services and all traffic."""
    order = [(name, "ascending") for name in ("window_start", "service", "endpoint")]
    rows = rows.sort_by(order).combine_chunks()
    starts = rows["window_start"].cast(pa.int64()).to_numpy() // (60 * 10**6)
    bounds = np.flatnonzero(np.diff(starts, prepend=-1, append=-1))
    for first, end in pairwise(bounds):
        yield rolled_up(_minute(int(starts[first]), rows.slice(first, end - first)))


def _minute(at: int, rows: pa.Table) -> Minutes:
    pairs = zip(rows["service"].to_pylist(), rows["endpoint"].to_pylist(), strict=True)
    return Minutes(
        at,
        [Key(inert(service), inert(endpoint)) for service, endpoint in pairs],
        _numbers(rows, "request_count"),
        _numbers(rows, "client_errors"),
        _numbers(rows, "server_errors"),
        _histograms(rows["_response_time_histogram"].combine_chunks()),
    )


def inert(name: str | None) -> str:
    """Returns a name out of logs without characters that a terminal acts on, or line ends."""
    if name is None or name.isprintable():
        return name or ""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def _numbers(rows: pa.Table, name: str) -> Ints:
    return np.asarray(pc.fill_null(rows[name], 0).to_numpy(), np.int64)


def _histograms(of: pa.MapArray) -> Histograms:
    """Returns flat histograms of any slice of a column; a row without one has no entries."""
    sizes = pc.fill_null(pc.list_value_length(of.cast(_AS_LIST)), 0).to_numpy()
    start = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    flat = pc.list_flatten(of.cast(_AS_LIST))
    bucket, count = (np.asarray(flat.field(i).to_numpy(), np.int64) for i in (0, 1))
    return Histograms(np.asarray(start, np.int64), bucket, count)


def after(at: int) -> pa.Scalar:
    """Returns the start of a minute as a scalar, to compare columns with."""
    return pa.scalar(start_of(at) if at >= 0 else EPOCH, pa.timestamp("us", tz="UTC"))
