"""What becomes of raw rows: decoded, written as both tables' files, described; executors run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode import Decoded, Limits
from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.store import DataFile
from lakehouse.store.files import write
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

FLUSH_ROWS = 200_000
DESCRIPTION = "file binary"

Decode = Callable[[pa.RecordBatch, Limits], Decoded]


@dataclass(frozen=True)
class DecodeToFiles:
    """A task of a batch; `held` are coordinates that the tables have already.

    Called with the Arrow batches of one partition of the batch, it gives a row a file.
    """

    roots: dict[str, str]
    commit: str
    name: str
    ingested_at: datetime
    limits: Limits
    decode: Decode
    held: pa.Table | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: list[Decoded] = []
        for records in batches:
            waiting.append(self.decode(self._missing(records), self.limits))
            if sum(d.events.num_rows + d.rejects.num_rows for d in waiting) >= FLUSH_ROWS:
                yield self._flush(waiting)
                waiting = []
        if waiting:
            yield self._flush(waiting)

    def _missing(self, records: pa.RecordBatch) -> pa.RecordBatch:
        if self.held is None:
            return records
        return records.filter(pc.invert(pc.is_in(_coordinate(records), _coordinate(self.held))))

    def _flush(self, waiting: list[Decoded]) -> pa.RecordBatch:
        events = self._write(LOGS, [decoded.events for decoded in waiting])
        rejects = self._write(QUARANTINE, [decoded.rejects for decoded in waiting])
        described = [msgspec.msgpack.encode(file) for file in events + rejects]
        return pa.record_batch({"file": pa.array(described, pa.binary())})

    def _write(self, table: Table, parts: list[pa.Table]) -> list[DataFile]:
        rows = pa.concat_tables(parts)
        if rows.num_rows == 0:
            return []
        full = stamped(rows, table.columns, self.ingested_at, self.commit)
        return write(table, full, self.roots[table.name], self.name)


def _coordinate(rows: pa.Table | pa.RecordBatch) -> pa.ChunkedArray | pa.Array:
    """Partition and offset as one text, unique within a topic."""
    partition, offset = rows["_partition"], rows["_offset"]
    return pc.binary_join_element_wise(partition.cast(pa.string()), offset.cast(pa.string()), ":")


def described(row: bytes) -> DataFile:
    """The file that a row describes."""
    return msgspec.msgpack.decode(row, type=DataFile)


def stamped(rows: pa.Table, columns: pa.Schema, when: datetime, commit: str) -> pa.Table:
    """Decoded rows with the two columns that say when and by which commit they came."""
    times = pa.repeat(pa.scalar(when, UTC_TIMESTAMP), rows.num_rows)
    commits = pa.repeat(pa.scalar(commit), rows.num_rows)
    full = rows.append_column("_ingested_at", times).append_column("_commit", commits)
    return full.select(columns.names).cast(columns)
