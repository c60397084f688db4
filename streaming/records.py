"""What the client returned, by whole columns: raw rows, and how far each partition was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import methodcaller
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lakehouse.decode import HEADERS, RAW, record_time
from lakehouse.decode.leftover import headers

# For a name that is not UTF-8 the client returns a list and sets an error. A hot loop of Python
# 3.11 does not look for that, and the error comes up anywhere later; this call does.
_headers_of = methodcaller("headers")
# What is gathered before it is decoded; more of either is decoded as it comes.
ROWS, BYTES = 4096, 2 << 20
# The client's own type says that each part of a record may be absent.
Message = Any
Place = tuple[str, int]


class Range(NamedTuple):
    """Records of one partition of a topic: [first, end)."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def size(self) -> int:
        """How many records it has at most."""
        return self.end - self.first


class Came(NamedTuple):
    """Records of one topic, with their partitions and offsets as arrays."""

    topic: str
    records: Sequence[Message]
    partitions: np.ndarray
    offsets: np.ndarray

    def asked(self, ranges: Mapping[Place, Range]) -> Came:
        """Returns those that are in a range."""
        wanted = np.zeros(len(self.records), bool)
        for place, rows in self._places().items():
            if at := ranges.get(place):
                wanted |= rows & (self.offsets >= at.first) & (self.offsets < at.end)
        if wanted.all():
            return self
        kept = [self.records[row] for row in np.flatnonzero(wanted).tolist()]
        return Came(self.topic, kept, self.partitions[wanted], self.offsets[wanted])

    def after(self) -> dict[Place, int]:
        """Returns the next offset of each partition."""
        return {place: int(self.offsets[rows][-1]) + 1 for place, rows in self._places().items()}

    def rows(self) -> pa.RecordBatch:
        """Returns the records as raw rows (`RAW`), with their headers where one has some."""
        records, count = self.records, len(self.records)
        times = pa.array([each.timestamp()[1] for each in records], pa.int64())
        columns: list[pa.Array] = [
            pa.array([each.value() for each in records], pa.binary()),
            pa.repeat(pa.scalar(self.topic), count),
            pa.array(self.partitions),
            pa.array(self.offsets),
            record_time.of_millis(times),
        ]
        rows = pa.RecordBatch.from_arrays(columns, schema=RAW)
        named = headers.column(_headers(records))
        return rows if named is None else rows.append_column(HEADERS, named)

    def _places(self) -> dict[Place, np.ndarray]:
        """Returns which records each partition has."""
        found = np.unique(self.partitions).tolist()
        return {(self.topic, partition): self.partitions == partition for partition in found}


def by_topic(records: Sequence[Message]) -> Iterator[Came]:
    """Yields the records of each topic, in their order."""
    names = [record.topic() for record in records]
    topics = dict.fromkeys(names)
    for topic in topics:
        of = records
        if len(topics) > 1:
            of = [each for name, each in zip(names, records, strict=True) if name == topic]
        partitions = np.array([each.partition() for each in of], np.int32)
        yield Came(topic, of, partitions, np.array([each.offset() for each in of], np.int64))


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yields the same rows in batches that are worth decoding: each of them costs a millisecond.

    The first ones that are fetched are small. A batch is of one topic, as those that come.
    """
    held: list[pa.RecordBatch] = []
    for rows in batches:
        if held and not _is_alike(held[0], rows):
            yield pa.concat_batches(held)
            held = []
        held.append(rows)
        if (
            sum(each.num_rows for each in held) >= ROWS
            or sum(each.nbytes for each in held) >= BYTES
        ):
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def _is_alike(one: pa.RecordBatch, other: pa.RecordBatch) -> bool:
    if not one.num_rows or not other.num_rows or one.schema != other.schema:
        return False
    return bool(one["_topic"][0] == other["_topic"][0])


def _headers(records: Sequence[Message]) -> list[Sequence[headers.Header] | None]:
    """The headers of records. The client can be asked once only: what is not UTF-8 breaks it."""
    found, left = list[Sequence[headers.Header] | None](), iter(records)
    while len(found) < len(records):
        try:
            found.extend(map(_headers_of, left))
        except (SystemError, UnicodeDecodeError):
            found.append(headers.UNREADABLE)
    return found
