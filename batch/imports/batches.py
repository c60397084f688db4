"""Cuts records into raw rows for the decoder, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode import RAW, Decoded, Limits, decode
from lakehouse.event.budgets import BUDGETS
from lakehouse.formats.format import Record
from lakehouse.formats.messages import with_columns
from lakehouse.ingest.raw_zone import Imported

ROWS, BYTES = BUDGETS.batch_rows, BUDGETS.batch_bytes
CAME = pa.schema([*RAW, pa.field("line", pa.int64())])
# The header that rows of a batch stand under, in the metadata of its schema.
COLUMNS = b"columns"


def batches(records: Iterable[Record], what: Imported) -> Iterator[pa.RecordBatch]:
    """Yields raw rows (`CAME`) at most ROWS at once; `what.taken` stands for the broker's time."""
    first, each = 0, _Ahead(iter(records))
    constants = (what.topic, 0, what.taken)
    topic, partition, taken = (
        pa.scalar(value, RAW.field(name).type)
        for name, value in zip(("_topic", "_partition", "_kafka_timestamp"), constants, strict=True)
    )
    while some := each.some():
        count = len(some)
        columns = some[0].columns
        header = {} if columns is None else {COLUMNS: "\n".join(columns).encode()}
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([record.original for record in some], pa.binary()),
                *(pa.repeat(topic, count), pa.repeat(partition, count)),
                pa.array(range(first, first + count), pa.int64()),
                pa.repeat(taken, count),
                pa.array([record.line for record in some], pa.int64()),
            ],
            schema=CAME.with_metadata(header),
        )
        first += count


class _Ahead:
    """Records, the first of which was looked at and belongs to the next batch."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self._next = next(records, None)

    def some(self) -> list[Record]:
        """The next records under one header, as many as ROWS rows or BYTES bytes are."""
        some: list[Record] = []
        size, columns = 0, self._next.columns if self._next else None
        while self._next and len(some) < ROWS and size < BYTES and self._next.columns == columns:
            some.append(self._next)
            size += len(self._next.original)
            self._next = next(self._records, None)
        return some


@dataclass
class DecodeFile:
    """Decodes the batches of one file in their order; a reject's detail begins with its line."""

    what: Imported
    before: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, came: pa.RecordBatch, limits: Limits) -> Decoded:
        header = (came.schema.metadata or {}).get(COLUMNS)
        columns = None if header is None else tuple(header.decode().split("\n"))
        reading = with_columns(self.what.reading, columns)
        raw = came.select(RAW.names).replace_schema_metadata(None)
        found = decode(raw, limits, {self.what.topic: reading}, self.before)
        if not found.rejects.num_rows:
            return found
        places = pc.index_in(found.rejects["_offset"].combine_chunks(), came["_offset"])
        lines = came["line"].take(places).to_pylist()
        words: Any = zip(lines, found.rejects["detail"].to_pylist(), strict=True)
        details = pa.array([f"line {line}: {detail}" for line, detail in words], pa.string())
        place = found.rejects.schema.get_field_index("detail")
        kind = found.rejects.schema.field(place)
        return found._replace(rejects=found.rejects.set_column(place, kind, details))
