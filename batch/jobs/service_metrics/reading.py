"""What executors do with files of JSON lines: read and decode them, each line to one row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa

from batch.jobs.exchange import copied
from lakehouse import decode
from lakehouse.errors import SettingsError
from lakehouse.event.schema import arrow_field, event_fields
from lakehouse.event.textfile import lines

# Where a row comes from, in a file or in the lake.
COORDINATES = [
    arrow_field("source", pa.string(), "file, or topic"),
    arrow_field("partition", pa.int32(), "partition of the topic; 0 in a file"),
    arrow_field("line", pa.int64(), "line of the file, from 1; or offset in the partition"),
]
FAULT = [
    arrow_field("reason", pa.string(), "code of the fault; NULL in an event"),
    arrow_field("detail", pa.string(), "the fault in words"),
    arrow_field("payload", pa.string(), "what came: text, or base64 of its bytes; at most 64 kB"),
    arrow_field("payload_encoding", pa.string(), "utf-8 or base64"),
]
EVENT = [*event_fields(), *COORDINATES]
REJECT = [*COORDINATES, *FAULT]
ROWS = pa.schema([f.with_nullable(True) for f in (*EVENT, *FAULT)])
UNREADABLE = "unreadable"
NAMED = {"_topic": "source", "_partition": "partition", "_offset": "line"}

# A file has no broker: any time that a timestamp can have is taken, whatever the clock says.
# Lines of a file have no time of a broker; LIMITS ask for none.
TAKEN = datetime(1970, 1, 2, tzinfo=UTC)
LIMITS = decode.Limits(timedelta(days=366 * 10_000), None, 1 << 16)
LINES, BYTES = 10_000, 8 << 20


@dataclass(frozen=True)
class ReadFiles:
    """A task: called with numbers of `files`, it gives a row (`ROWS`) a line of each.

    `places` is where the task has each of them.
    """

    files: tuple[str, ...]
    places: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                with copied(self.places[number]) as path:
                    yield from rows_of(self.files[number], path)


def rows_of(file: str, at: Path | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file, so many lines a batch; where it cannot be read on, one row says why.

    It is read from `at`, where that is a copy.
    """
    path = at or Path(file)
    numbers, held, size = count(1), list[bytes](), 0
    try:
        for line in lines(path):
            held.append(line)
            size += len(line)
            if len(held) == LINES or size > BYTES:
                yield from _decoded(file, held, numbers)
                held, size = [], 0
    except SettingsError as error:
        unread = {
            "source": file,
            "reason": UNREADABLE,
            "detail": error.what.replace(str(path), file),
        }
        yield pa.RecordBatch.from_pylist([unread], schema=ROWS)
    yield from _decoded(file, held, numbers)


def _decoded(file: str, held: list[bytes], numbers: count[int]) -> Iterator[pa.RecordBatch]:
    many = len(held)
    columns = [held, [file] * many, [0] * many, [next(numbers) for _ in held], [TAKEN] * many]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, decode.RAW, strict=True)]
    found = decode.decode(pa.RecordBatch.from_arrays(arrays, schema=decode.RAW), LIMITS)
    yield from pa.concat_tables(map(_as_rows, found)).combine_chunks().to_batches()


def _as_rows(part: pa.Table) -> pa.Table:
    """Events or rejects with all columns of `ROWS`, those of the others empty."""
    there = part.rename_columns([NAMED.get(name, name) for name in part.column_names])
    known = set(there.column_names)
    # the day of a reject is that of its broker
    if "reason" in known:
        known -= {"date"}
    columns = [there[f.name] if f.name in known else pa.nulls(part.num_rows, f.type) for f in ROWS]
    return pa.table(columns, schema=ROWS)
