"""Reads exactly the rows of `logs` that closed minutes have counted, without later ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.lake.minutes import AT_ONCE_ROWS, by_days
from lakehouse.duck import connect, create_view
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables import rollup_compare
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.count import within
from lakehouse.windows.horizon import horizon

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# More rows at a time: fewer queries, and more memory.
SPAN_ROWS = 250_000
AT = "epoch_us(timestamp) // 60000000"


class Span(NamedTuple):
    """Minutes from `first` up to, but without, `end`; both are of one day."""

    first: datetime
    end: datetime

    @property
    def sql(self) -> str:
        """Returns a condition in SQL by which the files of other hours are skipped."""
        last = (self.end - MINUTE).hour
        return f"{within(*self)} AND hour BETWEEN {self.first.hour} AND {last}"


class Counted:
    """Rows of `logs`, by the minutes of one version of `logs_windowed`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, closed: DeltaTable) -> None:
        self.connection, self._closed = connection, closed
        self._span: Span | None = None

    def rows(self, span: Span) -> str:
        """Returns a relation with the rows of a span. It is valid until another one is asked."""
        if span != self._span:
            self.connection.register("stored", _minutes(self._closed, span))
            query = rollup_compare.commits(MINUTES, span.first.date(), span.sql)
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE commits AS {query}")
            self._span = span
        return f"(SELECT * FROM {rollup_compare.counted_events(MINUTES)} WHERE {span.sql})"


@contextmanager
def counted(places: Places, closed: DeltaTable) -> Iterator[Counted]:
    """Opens the newest `logs`, which has every row that was counted."""
    with connect() as connection:
        create_view(connection, LOGS.name, places.table(LOGS), open_table(places, LOGS))
        yield Counted(connection, closed)


def spans(
    closed: DeltaTable, after: datetime | None = None, most_rows: int = SPAN_ROWS
) -> Iterator[Span]:
    """Yields the closed minutes after a time, as spans of an hour or of so many rows at most."""
    end = horizon(closed)
    sizes = _sizes(closed, after, end) if end else {}
    current: Span | None = None
    rows = 0
    for start, size in sizes.items():
        if current and (rows + size > most_rows or _hour(start) != _hour(current.first)):
            yield current
            current, rows = None, 0
        current, rows = Span(current.first if current else start, start + MINUTE), rows + size
    if current:
        yield current


def _sizes(closed: DeltaTable, after: datetime | None, end: datetime) -> dict[datetime, int]:
    """Returns closed minute -> requests, in order."""
    found: dict[datetime, int] = {}
    for rows in by_days(closed, after, ["window_start", "request_count"], 50 * AT_ONCE_ROWS):
        is_new = pc.less(rows["window_start"], _scalar(end))
        if after:
            is_new = pc.and_(is_new, pc.greater(rows["window_start"], _scalar(after)))
        minutes = rows.filter(is_new).group_by("window_start")
        summed = minutes.aggregate([("request_count", "sum")]).sort_by("window_start").to_pydict()
        found |= zip(summed["window_start"], summed["request_count_sum"], strict=True)
    return found


def _minutes(closed: DeltaTable, span: Span) -> pa.Table:
    start = pc.field("window_start")
    condition = (pc.field("date") == pa.scalar(span.first.date())) & (start >= _scalar(span.first))
    columns = ["granularity", "date", "window_start", "_counted"]
    return closed.to_pyarrow_dataset().to_table(
        columns, filter=condition & (start < _scalar(span.end))
    )


def _scalar(at: datetime) -> pa.Scalar:
    return pa.scalar(at, pa.timestamp("us", tz="UTC"))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
