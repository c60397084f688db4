"""What becomes of raw rows: decoded, written as both tables' files, described; executors run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode import Decoded, Limits
from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.store import DataFile
from lakehouse.store.files import write
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

# What a task holds before it writes: Parquet and its buffers take some times as much again.
FLUSH_ROWS = 200_000
FLUSH_BYTES = 64 << 20
# Kafka's first release: no broker's clock has shown an earlier day.
FIRST_DAY = date(2011, 1, 1)

Decode = Callable[[pa.RecordBatch, Limits], Decoded]


@dataclass(frozen=True)
class DecodeToFiles:
    """A task of a batch; `held` are coordinates that the tables have already.

    Called with raw rows, it gives each file once that is written. It holds FLUSH_ROWS rows or
    FLUSH_BYTES bytes and one batch of rows more, however many come.
    """

    roots: dict[str, str]
    commit: str
    name: str
    ingested_at: datetime
    limits: Limits
    decode: Decode
    held: pa.Table | None = None
    topic_id: str | None = None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[DataFile]:
        waiting: list[Decoded] = []
        for records in batches:
            waiting.append(self.decode(self._missing(records), self.limits))
            if _is_enough(waiting):
                yield from self._flush(waiting)
                waiting = []
        yield from self._flush(waiting)

    def _missing(self, records: pa.RecordBatch) -> pa.RecordBatch:
        if self.held is None:
            return records
        return records.filter(pc.invert(pc.is_in(_coordinate(records), _coordinate(self.held))))

    def _flush(self, waiting: list[Decoded]) -> list[DataFile]:
        events = [decoded.events for decoded in waiting]
        rejects = [on_day(decoded.rejects, self.ingested_at) for decoded in waiting]
        return self._write(LOGS, events) + self._write(QUARANTINE, rejects)

    def _write(self, table: Table, parts: list[pa.Table]) -> list[DataFile]:
        if not any(part.num_rows for part in parts):
            return []
        rows = pa.concat_tables(parts)
        full = stamped(rows, table.columns, self.ingested_at, self.commit, self.topic_id)
        return write(table, full, self.roots[table.name], self.name)


def _coordinate(rows: pa.Table | pa.RecordBatch) -> pa.ChunkedArray | pa.Array:
    """Partition and offset as one text, unique within a topic."""
    partition, offset = rows["_partition"], rows["_offset"]
    return pc.binary_join_element_wise(partition.cast(pa.string()), offset.cast(pa.string()), ":")


def _is_enough(waiting: list[Decoded]) -> bool:
    tables = [table for decoded in waiting for table in decoded]
    rows, size = sum(t.num_rows for t in tables), sum(t.nbytes for t in tables)
    return bool(rows >= FLUSH_ROWS or size >= FLUSH_BYTES)


def on_day(rejects: pa.Table, when: datetime) -> pa.Table:
    """Rejects on the day of `when` where their own is no broker's: before Kafka, or to come.

    Retention goes by this day: it must neither delete what came just now nor be led by the year
    9000.
    """
    days, last = rejects["date"], when.date() + timedelta(days=1)
    is_real = pc.and_(pc.greater_equal(days, FIRST_DAY), pc.less_equal(days, last))
    days = pc.if_else(is_real, days, pa.scalar(when.date()))
    place = rejects.schema.get_field_index("date")
    return rejects.set_column(place, rejects.schema.field(place), days)


def stamped(
    rows: pa.Table, columns: pa.Schema, when: datetime, commit: str, topic_id: str | None = None
) -> pa.Table:
    """Decoded rows with the columns that say when, by which commit and of which topic they came."""
    values = {
        "_ingested_at": pa.scalar(when, UTC_TIMESTAMP),
        "_commit": pa.scalar(commit),
        "_topic_id": pa.scalar(topic_id, pa.string()),
    }
    for name, value in values.items():
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return rows.select(columns.names).cast(columns)
