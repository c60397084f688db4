"""Finds which records of a topic the tables hold, by partition: in logs, or in open quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.duck import Pinned, connect
from lakehouse.ingest.absent import KINDS, LOST, Absent, Stretch, noted
from lakehouse.ingest.offsets import Offsets
from lakehouse.maintenance.retention_marks import retained_to
from lakehouse.paths import Places
from lakehouse.tables import rejects
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.rejects import item

# A reject of one event does not count while its whole record is open: a replay that was cut short
# has written it before it could add the record's other events to logs.
OPEN = """
CREATE TEMP TABLE open AS
WITH rejects AS (
    SELECT _topic, _partition, _offset, {item} AS _item, date, {topic_id} AS _topic_id
    FROM quarantine AS q WHERE {is_open}),
whole AS (FROM rejects WHERE _item IS NULL)
FROM rejects AS r WHERE _item IS NULL OR NOT EXISTS (FROM whole
    WHERE whole._topic = r._topic AND whole._partition = r._partition
    AND whole._offset = r._offset)
"""

HELD = """
CREATE TEMP VIEW held AS
SELECT _topic, _partition, _offset, {item} AS _item, date, {topic_id} AS _topic_id,
    true AS in_logs FROM logs
UNION ALL SELECT _topic, _partition, _offset, _item, date, _topic_id, false FROM open
"""

# Stretches of `said` that overlap or touch are one, by itself for each value of a column. None may
# be said twice: two windows put equal rows in orders of their own.
MERGED = """
ordered AS (
    SELECT *, max(last_) OVER (
        PARTITION BY {by}, _topic, _partition ORDER BY first_, last_
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM said),
numbered AS (
    SELECT *, count(*) FILTER (reached IS NULL OR first_ > reached + 1) OVER (
        PARTITION BY {by}, _topic, _partition ORDER BY first_, last_
        ROWS UNBOUNDED PRECEDING) AS number
    FROM ordered),
merged AS (
    SELECT {by}, _topic, _partition, min(first_) AS first_, max(last_) AS last_
    FROM numbered GROUP BY {by}, _topic, _partition, number)
"""

# Of each kind, and of any.
ABSENT = f"""
CREATE TEMP TABLE absent AS
WITH real AS (FROM noted WHERE first_ <= last_),
said AS (FROM real UNION SELECT 'any' AS kind, * EXCLUDE kind FROM real),
{MERGED.format(by="kind")}
FROM merged
"""

# How many offsets each rule of retention took, of which no row is there after all.
BY_RULE = f"""
WITH said AS (
    SELECT DISTINCT coalesce(rule, '') AS rule, _topic, _partition, first_, last_ FROM by_rule
    WHERE first_ <= last_),
{MERGED.format(by="rule")},
there AS (
    SELECT m.rule, count(*) AS count
    FROM (SELECT DISTINCT _topic, _partition, _offset FROM held) AS h JOIN merged AS m
        ON h._topic = m._topic AND h._partition = m._partition
        AND h._offset BETWEEN m.first_ AND m.last_
    GROUP BY 1)
SELECT m.rule, (sum(m.last_ - m.first_ + 1) - coalesce(any_value(t.count), 0))::BIGINT AS gone
FROM merged AS m LEFT JOIN there AS t USING (rule) GROUP BY 1 HAVING gone > 0 ORDER BY 1
"""

COUNTS = """
SELECT r._partition,
    count(h._offset) FILTER (h._offset < r.end_) AS rows,
    count(DISTINCT h._offset) FILTER (h._offset < r.end_) AS records,
    count(*) FILTER (h.in_logs AND h._offset < r.end_) AS logs,
    count(*) FILTER (h._offset >= r.end_ AND h._offset < r.limit_) AS in_flight,
    count(h._offset) - count(DISTINCT h._offset) FILTER (h._item IS NULL)
        - count(DISTINCT (h._offset, h._item)) FILTER (h._item IS NOT NULL) AS repeated
FROM ranges AS r LEFT JOIN held AS h
    ON h._topic = $topic AND h._partition = r._partition
    AND h._offset >= r.first_ AND h._offset < r.limit_
GROUP BY ALL ORDER BY 1
"""

OUTSIDE = """
SELECT count(*) FROM held AS h LEFT JOIN ranges AS r USING (_partition)
WHERE h._topic = $topic
    AND ((r._partition IS NULL AND h._partition IS NOT NULL AND h._offset IS NOT NULL)
        OR h._offset < r.lowest_ OR h._offset >= r.limit_)
"""

# Absent offsets of which no row is there after all.
WITHIN = """
WITH stretches AS (
    SELECT a.kind, a._topic, a._partition, greatest(a.first_, r.first_) AS low,
        least(a.last_, r.end_ - 1) AS high
    FROM absent AS a JOIN ranges AS r USING (_partition)
    WHERE a._topic = $topic AND a.kind = $kind AND a.last_ >= r.first_ AND a.first_ < r.end_),
rows AS (
    SELECT s._partition, count(*) AS count
    FROM (SELECT DISTINCT _partition, _offset FROM held WHERE _topic = $topic) AS h
    ASOF JOIN stretches AS s ON h._partition = s._partition AND h._offset >= s.low
    WHERE h._offset <= s.high GROUP BY 1)
SELECT s._partition, sum(s.high - s.low + 1) - coalesce(any_value(rows.count), 0)
FROM stretches AS s LEFT JOIN rows USING (_partition) GROUP BY 1
"""

GAPS = """
WITH pieces AS (
    SELECT _partition, _offset AS low, _offset AS high FROM held JOIN ranges USING (_partition)
    WHERE _topic = $topic AND _offset >= first_ AND _offset < end_
    UNION ALL SELECT a._partition, greatest(a.first_, r.first_), least(a.last_, r.end_ - 1)
    FROM absent AS a JOIN ranges AS r USING (_partition)
    WHERE a._topic = $topic AND a.kind = 'any' AND a.last_ >= r.first_ AND a.first_ < r.end_
    UNION ALL SELECT _partition, first_ - 1, first_ - 1 FROM ranges
    UNION ALL SELECT _partition, end_, end_ FROM ranges),
swept AS (
    SELECT _partition, low, max(high) OVER (
        PARTITION BY _partition ORDER BY low, high
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM pieces)
SELECT _partition, reached + 1, low - 1 FROM swept WHERE low > reached + 1 ORDER BY ALL LIMIT $most
"""

ENDS = """
SELECT _partition, max(_offset) + 1 FROM held JOIN ranges USING (_partition)
WHERE _topic = $topic AND _offset >= first_ GROUP BY 1
"""

OF_SEVERAL = """
SELECT _partition, min(_offset) FROM held JOIN ranges USING (_partition)
WHERE _topic = $topic AND _item IS NOT NULL AND _offset >= first_ AND _offset < end_ GROUP BY 1
"""

OTHERS = """
SELECT count(*) FROM held WHERE _topic = $topic AND _topic_id <> $topic_id
"""
NO_END = 1 << 62
# Makes a view of a table, by its name and its files.
See = Callable[[duckdb.DuckDBPyConnection, str, Pinned], None]


@dataclass(frozen=True)
class Range:
    """Records [first, end) of a partition must be there; others from `lowest` to `limit` may be."""

    lowest: int
    first: int
    end: int
    limit: int


@dataclass(frozen=True)
class PartitionCount:
    """What the tables hold of a range of one partition; `repeated` includes rows in flight."""

    partition: int
    rows: int
    records: int
    logs: int
    in_flight: int
    repeated: int


class Coverage:
    """Answers questions about the coordinates in fixed versions of both tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[DeltaTable]) -> None:
        self.connection, self._tables = connection, tables

    def counts(self, topic: str, ranges: Mapping[int, Range]) -> list[PartitionCount]:
        """Returns by partition: rows, distinct records, those in logs, and those in flight."""
        return [PartitionCount(*row) for row in self._ask(COUNTS, topic, ranges)]

    def outside(self, topic: str, ranges: Mapping[int, Range]) -> int:
        """Returns how many rows of a topic lie where no record can have come from."""
        return int(self._ask(OUTSIDE, topic, ranges)[0][0])

    def absent(self, kind: str, topic: str, ranges: Mapping[int, Range]) -> dict[int, int]:
        """Returns by partition how many offsets without a row are noted as `kind` (or "any")."""
        return {p: int(n) for p, n in self._ask(WITHIN, topic, ranges, kind=kind)}

    def retained_by(self) -> dict[str, int]:
        """Returns by rule how many records retention took; "" is of before rules were noted."""
        return dict(self.ask(BY_RULE))

    def gaps(self, topic: str, ranges: Mapping[int, Range], most: int = NO_END) -> list[Stretch]:
        """Returns the missing stretches in order, at most `most` of them."""
        return [Stretch(topic, *row) for row in self._ask(GAPS, topic, ranges, most=most)]

    def first_missing(self, topic: str, first: Offsets) -> tuple[Offsets, Offsets]:
        """Returns, from `first` on, the first missing offset and one past the highest one held."""
        ranges = {p: Range(o, o, NO_END, NO_END) for p, o in first.items()}
        missing = dict[int, int]()
        for gap in self.gaps(topic, ranges):
            missing.setdefault(gap.partition, gap.first)
        return missing, dict(self._ask(ENDS, topic, ranges))

    def first_of_several(self, topic: str, ranges: Mapping[int, Range]) -> Offsets:
        """Returns the first record of each range that has a row for one of several events.

        Its other rows may be missing where a batch came to one table and not to the other.
        """
        return dict(self._ask(OF_SEVERAL, topic, ranges))

    def of_another(self, topic: str, topic_id: str) -> int:
        """Returns how many rows are of an earlier topic of this name, with another id."""
        ((rows,),) = self.ask(OTHERS, {"topic": topic, "topic_id": topic_id})
        return int(rows)

    def retained(self, topic: str, first: Offsets) -> Offsets:
        """Returns `first`, or the point up to which `retain` deleted rows if that is further."""
        return retained(self._tables, topic, first)

    def lowest(self, topic: str) -> Offsets:
        """Returns the lowest offset held of each partition."""
        sql = "SELECT _partition, min(_offset) FROM held WHERE _topic = $topic GROUP BY 1"
        return dict(self.connection.execute(sql, {"topic": topic}).fetchall())

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Returns the rows of any query on `logs`, `quarantine`, `held` and registered tables."""
        return self.connection.execute(sql, values or {}).fetchall()

    def register(self, name: str, rows: pa.Table) -> None:
        """Registers rows under a name, for queries."""
        self.connection.register(name, rows)

    def batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """Yields the result of a query, `rows` rows at a time."""
        yield from self.connection.sql(sql).to_arrow_reader(rows)

    def _ask(
        self, sql: str, topic: str, ranges: Mapping[int, Range], **values: Any
    ) -> list[tuple[Any, ...]]:
        columns = {
            "_partition": pa.array(ranges, pa.int32()),
            "lowest_": pa.array([r.lowest for r in ranges.values()], pa.int64()),
            "first_": pa.array([r.first for r in ranges.values()], pa.int64()),
            "end_": pa.array([r.end for r in ranges.values()], pa.int64()),
            "limit_": pa.array([r.limit for r in ranges.values()], pa.int64()),
        }
        self.connection.register("ranges", pa.table(columns))
        return self.connection.execute(sql, {"topic": topic, **values}).fetchall()


def retained(tables: Sequence[DeltaTable], topic: str, first: Offsets) -> Offsets:
    """Returns `first`, or the point up to which an old `retain` deleted rows of a topic."""
    return {
        p: max(offset, *(retained_to(table, topic, p) for table in tables))
        for p, offset in first.items()
    }


def see_all(connection: duckdb.DuckDBPyConnection, name: str, pinned: Pinned) -> None:
    """Makes a view of all rows of a table."""
    pinned.create_view(connection, name)


@contextmanager
def coverage(
    places: Places, logs: DeltaTable, quarantine: DeltaTable, see: See = see_all
) -> Iterator[Coverage]:
    """Opens a connection that answers questions on both tables, at their opened versions.

    `see` makes the views of them, and may leave out what need not be looked at.
    """
    with connect() as connection:
        for table, at in ((LOGS, logs), (QUARANTINE, quarantine)):
            see(connection, table.name, Pinned.of(table.name, places.table(table), at))
        names, of_logs = _names(quarantine), _names(logs)
        open_, how = rejects.is_open("q", names, of_logs), _topic_id(quarantine)
        connection.execute(OPEN.format(item=item(names), topic_id=how, is_open=open_))
        connection.execute(HELD.format(item=item(of_logs), topic_id=_topic_id(logs)))
        connection.register("noted", _noted(Absent(places)))  # after the tables: none is missing
        connection.register("by_rule", Absent(places).retained())
        connection.execute(ABSENT)
        yield Coverage(connection, (logs, quarantine))


@contextmanager
def current(places: Places) -> Iterator[Coverage]:
    """Answers questions on the newest versions; makes missing tables, and adds missing columns."""
    logs, quarantine = store.create(places, LOGS), store.create(places, QUARANTINE)
    with coverage(places, logs, quarantine) as found:
        yield found


def _topic_id(table: DeltaTable) -> str:
    """Returns SQL for the topic id, a column that old tables do not have."""
    return "_topic_id" if "_topic_id" in _names(table) else "NULL::VARCHAR"


def _names(table: DeltaTable) -> set[str]:
    return {field.name for field in table.schema().fields}


def _noted(absent: Absent) -> pa.Table:
    """Returns all offsets that are noted as absent, with their kind."""
    lost = noted([Stretch(s.topic, s.partition, s.first, s.last) for s in absent.losses()])
    tables: dict[str, pa.Table] = {LOST: lost}
    tables.update((kind, absent.of(kind)) for kind in KINDS)
    kinds = {kind: pa.repeat(pa.scalar(kind), table.num_rows) for kind, table in tables.items()}
    return pa.concat_tables(t.add_column(0, "kind", kinds[k]) for k, t in tables.items())
