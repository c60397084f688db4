"""Which records of a topic the tables hold: by partition, in logs or else in open quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.duck import connect, create_view
from lakehouse.ingest.checkpoint import Offsets
from lakehouse.maintenance.retention_marks import retained_to
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS, QUARANTINE

OPEN = """
CREATE TEMP TABLE open AS SELECT _topic, _partition, _offset, date FROM quarantine AS q
WHERE NOT EXISTS (
    SELECT 1 FROM logs
    WHERE _topic = q._topic AND _partition = q._partition AND _offset = q._offset)
"""

HELD = """
CREATE TEMP VIEW held AS
SELECT _topic, _partition, _offset, date, true AS in_logs FROM logs
UNION ALL SELECT _topic, _partition, _offset, date, false FROM open
"""

COUNTS = """
SELECT r._partition,
    count(h._offset) FILTER (h._offset < r.end_) AS rows,
    count(DISTINCT h._offset) FILTER (h._offset < r.end_) AS records,
    count(*) FILTER (h.in_logs AND h._offset < r.end_) AS logs,
    count(*) FILTER (h._offset >= r.end_ AND h._offset < r.limit_) AS in_flight,
    count(h._offset) - count(DISTINCT h._offset) AS repeated
FROM ranges AS r LEFT JOIN held AS h
    ON h._topic = $topic AND h._partition = r._partition
    AND h._offset >= r.first_ AND h._offset < r.limit_
GROUP BY ALL ORDER BY 1
"""

OUTSIDE = """
SELECT count(*) FROM held AS h LEFT JOIN ranges AS r USING (_partition)
WHERE h._topic = $topic
    AND (r._partition IS NULL OR h._offset < r.lowest_ OR h._offset >= r.limit_)
"""

GAPS = """
SELECT _partition, _offset + 1, following - 1 FROM (
    SELECT _partition, _offset,
        lead(_offset) OVER (PARTITION BY _partition ORDER BY _offset) AS following
    FROM (
        SELECT DISTINCT _partition, _offset FROM held JOIN ranges USING (_partition)
        WHERE _topic = $topic AND _offset >= first_ AND _offset < end_
        UNION ALL SELECT _partition, unnest([first_ - 1, end_]) FROM ranges))
WHERE following > _offset + 1 ORDER BY ALL LIMIT 10
"""

FIRST_MISSING = """
WITH numbered AS (
    SELECT _partition, _offset, first_ + row_number() OVER (
        PARTITION BY _partition ORDER BY _offset) - 1 AS expected
    FROM (SELECT DISTINCT _partition, _offset, first_ FROM held JOIN ranges USING (_partition)
          WHERE _topic = $topic AND _offset >= first_))
SELECT _partition,
    coalesce(min(expected) FILTER (expected <> _offset), max(_offset) + 1), max(_offset) + 1
FROM numbered GROUP BY 1
"""


@dataclass(frozen=True)
class Range:
    """Records [first, end) of a partition must be there; others from `lowest` to `limit` may."""

    lowest: int
    first: int
    end: int
    limit: int


@dataclass(frozen=True)
class PartitionCount:
    """What the tables hold of the range of one partition; `repeated` counts in-flight rows too."""

    partition: int
    rows: int
    records: int
    logs: int
    in_flight: int
    repeated: int


class Coverage:
    """Questions about the coordinates of pinned versions of both tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[DeltaTable]) -> None:
        self._connection, self._tables = connection, tables

    def counts(self, topic: str, ranges: Mapping[int, Range]) -> list[PartitionCount]:
        """Rows, distinct records, those in logs, and those of a batch in flight, by partition."""
        return [PartitionCount(*row) for row in self._ask(COUNTS, topic, ranges)]

    def outside(self, topic: str, ranges: Mapping[int, Range]) -> int:
        """How many rows of a topic lie where no record can have come from."""
        return int(self._ask(OUTSIDE, topic, ranges)[0][0])

    def gaps(self, topic: str, ranges: Mapping[int, Range]) -> list[tuple[int, int, int]]:
        """The first few stretches that are missing: partition, first and last offset."""
        return [(p, first, last) for p, first, last in self._ask(GAPS, topic, ranges)]

    def first_missing(self, topic: str, first: Offsets) -> tuple[Offsets, Offsets]:
        """From `first` on: the first offset that is missing, and one past the highest held."""
        rows = self._ask(FIRST_MISSING, topic, {p: Range(o, o, o, o) for p, o in first.items()})
        missing = {p: missing for p, missing, _ in rows}
        return {**first, **missing}, {p: end for p, _, end in rows}

    def retained(self, topic: str, first: Offsets) -> Offsets:
        """`first`, or past what `retain` deleted of either table, where that is further."""
        return {
            p: max(offset, *(retained_to(table, topic, p) for table in self._tables))
            for p, offset in first.items()
        }

    def lowest(self, topic: str) -> Offsets:
        """The lowest offset held of each partition."""
        sql = "SELECT _partition, min(_offset) FROM held WHERE _topic = $topic GROUP BY 1"
        return dict(self._connection.execute(sql, {"topic": topic}).fetchall())

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Any question to `logs`, `quarantine`, `held`, and to what was registered."""
        return self._connection.execute(sql, values or {}).fetchall()

    def register(self, name: str, rows: pa.Table) -> None:
        """Let questions name these rows."""
        self._connection.register(name, rows)

    def batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The answer to a question, `rows` at a time."""
        yield from self._connection.sql(sql).to_arrow_reader(rows)

    def _ask(self, sql: str, topic: str, ranges: Mapping[int, Range]) -> list[tuple[Any, ...]]:
        columns = {
            "_partition": pa.array(ranges, pa.int32()),
            "lowest_": pa.array([r.lowest for r in ranges.values()], pa.int64()),
            "first_": pa.array([r.first for r in ranges.values()], pa.int64()),
            "end_": pa.array([r.end for r in ranges.values()], pa.int64()),
            "limit_": pa.array([r.limit for r in ranges.values()], pa.int64()),
        }
        self._connection.register("ranges", pa.table(columns))
        return self._connection.execute(sql, {"topic": topic}).fetchall()


@contextmanager
def coverage(places: Places, logs: DeltaTable, quarantine: DeltaTable) -> Iterator[Coverage]:
    """Questions to both tables, at the versions that they are opened at."""
    with connect() as connection:
        for table, at in ((LOGS, logs), (QUARANTINE, quarantine)):
            create_view(connection, table.name, places.table(table), at)
        connection.execute(OPEN)
        connection.execute(HELD)
        yield Coverage(connection, (logs, quarantine))


@contextmanager
def current(places: Places) -> Iterator[Coverage]:
    """Questions to both tables as they are now; an absent one is made, empty."""
    tables = [store.table_or_none(places, t) or store.create(places, t) for t in (LOGS, QUARANTINE)]
    with coverage(places, *tables) as found:
        yield found
