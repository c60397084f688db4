"""Records as raw rows for the decoder, in batches of bounded size; rejects as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from batch.imports.records import Record
from lakehouse.decode import RAW, Decoded, Limits, as_it_came, decode
from lakehouse.ingest.raw_zone import Imported

ROWS = 2_000
BYTES = 8 << 20
CAME = pa.schema([*RAW, pa.field("original", pa.binary()), pa.field("line", pa.int64())])


def batches(records: Iterable[Record], what: Imported) -> Iterator[pa.RecordBatch]:
    """Raw rows with coordinates in the file, its first import for the broker's time (`CAME`)."""
    first, each = 0, iter(records)
    constants = (what.topic, 0, what.taken)
    topic, partition, taken = (
        pa.scalar(value, RAW.field(name).type)
        for name, value in zip(("_topic", "_partition", "_kafka_timestamp"), constants, strict=True)
    )
    while some := _some(each):
        lines, payloads, originals = zip(*some, strict=True)
        count = len(some)
        offsets = pa.array(range(first, first + count), pa.int64())
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(payloads, pa.binary()),
                *(pa.repeat(topic, count), pa.repeat(partition, count), offsets),
                *(pa.repeat(taken, count), pa.array(originals, pa.binary())),
                pa.array(lines, pa.int64()),
            ],
            schema=CAME,
        )
        first += count


def _some(records: Iterator[Record]) -> list[Record]:
    """The next records, as many as ROWS rows or BYTES bytes are."""
    some: list[Record] = []
    size = 0
    while len(some) < ROWS and size < BYTES and (record := next(records, None)):
        some.append(record)
        size += len(record.payload or b"") + len(record.original)
    return some


def decode_as_it_came(came: pa.RecordBatch, limits: Limits) -> Decoded:
    """What the decoder says; a reject has the line it stands on, and the bytes that stood there."""
    found = decode(came.select(RAW.names), limits)
    if not found.rejects.num_rows:
        return found
    rows = came.take(pc.index_in(found.rejects["_offset"].combine_chunks(), came["_offset"]))
    rejects = as_it_came(found.rejects, rows["original"].to_pylist(), limits.payload_cap)
    words = zip(rows["line"].to_pylist(), rejects["detail"].to_pylist(), strict=True)
    details = pa.array([f"line {line}: {detail}" for line, detail in words], pa.string())
    place = rejects.schema.get_field_index("detail")
    return found._replace(rejects=rejects.set_column(place, rejects.schema.field(place), details))
