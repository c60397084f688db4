"""Offsets of which no table has a row, and why: `verify` counts them apart, and calls none a gap.

They lie in the lake, beside the tables, for they last as long as these do. Each kind of them only
grows, and to say one twice is no fault:

invisible   Kafka gives them to no reader: marks of transactions, records of aborted ones, records
            that compaction removed
retained    `retain` deleted their rows
lost        Kafka removed them before they were read, and a person has acknowledged that
erased      somebody asked that they be erased; also single events of a record, by `_item`
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import durable, objects

Kind = Literal["invisible", "retained", "erased"]
KINDS: tuple[Kind, ...] = ("invisible", "retained", "erased")
LOST = "lost"
T = TypeVar("T")
COLUMNS = pa.schema(
    [
        pa.field("_topic", pa.string()),
        pa.field("_partition", pa.int32()),
        pa.field("first_", pa.int64()),
        pa.field("last_", pa.int64()),
    ]
)
# Of what `retain` deleted; the rule is NULL where that was not noted yet.
OF_RULES = COLUMNS.append(pa.field("rule", pa.string()))
# Of each event that was erased; `first_` and `last_` are both its offset.
OF_EVENTS = COLUMNS.append(pa.field("_item", pa.int32()))
# More notes than this are made one; a note of so many bytes is left as it is.
MOST_NOTES, LARGE_BYTES = 100, 1 << 20


class Stretch(NamedTuple):
    """Offsets `first` to `last` of a partition, both of them included."""

    topic: str
    partition: int
    first: int
    last: int


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Records `first` to `last` that are lost for good: who has acknowledged it, when and why."""

    topic: str
    partition: int
    first: int
    last: int
    reason: str
    by: str
    at: datetime


def _loss(content: bytes) -> Loss:
    return msgspec.json.decode(content, type=Loss)


def _stretches(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content)).select(COLUMNS.names).cast(COLUMNS)


def _events(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content)).select(OF_EVENTS.names).cast(OF_EVENTS)


def _by_rule(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content), schema=OF_RULES)


def noted(stretches: Sequence[Stretch]) -> pa.Table:
    """The stretches as rows of a note."""
    rows = [dict(zip(COLUMNS.names, stretch, strict=True)) for stretch in stretches]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def within(rows: pa.Table, extents: Mapping[str, Mapping[int, tuple[int, int]]]) -> pa.Table:
    """Returns the coordinates that are in the offsets [first, end) of partitions of topics."""
    wanted = pc.scalar(False)
    for topic, of in extents.items() if rows.num_rows else ():
        for partition, (first, end) in of.items():
            offset = pc.field("_offset")
            place = (pc.field("_topic") == topic) & (pc.field("_partition") == partition)
            wanted |= place & (offset >= first) & (offset < end)
    return rows.filter(wanted) if rows.num_rows else rows


class Absent:
    """The notes of a lake, one object each."""

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, places.absent

    def note(self, kind: Kind, name: str, stretches: pa.Table) -> None:
        """Writes stretches for good, under a name; a repeat replaces them."""
        buffer = io.BytesIO()
        pq.write_table(stretches, buffer, compression="zstd", use_dictionary=["_topic"])
        durable.put(self._places, self._place, f"{kind}/{name}.parquet", buffer.getvalue())

    def of(self, kind: Kind) -> pa.Table:
        """Returns all stretches of a kind, in any order; some may occur twice."""
        found = self._read(kind, self._names(kind))
        return pa.concat_tables([COLUMNS.empty_table(), *(t.select(COLUMNS.names) for t in found)])

    def retained(self) -> pa.Table:
        """Returns all stretches that `retain` deleted, each with its rule."""
        return pa.concat_tables(
            [OF_RULES.empty_table(), *self._read("retained", self._names("retained"))]
        )

    def erased(self) -> pa.Table:
        """Returns the coordinates of all events that were erased on request; some occur twice.

        They are `_topic`, `_partition`, `_offset` and `_item`, as in the tables.
        """
        contents = self._contents("erased", self._names("erased"))
        found = [self._decoded(name, content, _events) for name, content in contents]
        rows = pa.concat_tables([OF_EVENTS.empty_table(), *found]).drop_columns(["last_"])
        return rows.rename_columns(["_topic", "_partition", "_offset", "_item"])

    def acknowledge(self, loss: Loss) -> None:
        """Writes a loss for good; the first acknowledgement is kept."""
        name = f"{loss.topic}-{loss.partition}-{loss.first}-{loss.last}"
        content = msgspec.json.format(msgspec.json.encode(loss))
        durable.create(self._places, self._place, f"{LOST}/{name}.json", content)

    def losses(self) -> list[Loss]:
        """Returns the acknowledged losses in order."""
        contents = self._contents(LOST, self._names(LOST))
        found = [self._decoded(name, content, _loss) for name, content in contents]
        return sorted(found, key=lambda loss: (loss.topic, loss.partition, loss.first))

    def tidy(self, kind: Kind) -> None:
        """Merges many small notes into one.

        Only the writer of notes of this kind may call it: the one is written before the many are
        deleted.
        """
        at = objects.store(self._place)
        names = [n for n in self._names(kind) if (objects.size(at, n) or 0) < LARGE_BYTES]
        if len(names) > MOST_NOTES:
            self.note(kind, f"merged-{uuid.uuid4().hex}", pa.concat_tables(self._read(kind, names)))
            objects.delete_all(at, names)

    def _names(self, kind: str) -> list[str]:
        names = objects.names(objects.reader(self._place), kind)
        return [f"{kind}/{name}" for name in names]

    def _read(self, kind: Kind, names: Sequence[str]) -> list[pa.Table]:
        contents = self._contents(kind, names)
        of = _by_rule if kind == "retained" else _stretches
        return [self._decoded(name, content, of) for name, content in contents]

    def _decoded(self, name: str, content: bytes, of: Callable[[bytes], T]) -> T:
        """Returns what a note says; TableError where a crash of the machine left it cut off.

        It may be moved aside: what it excused is a gap then, which is asked for again.
        """
        try:
            return of(content)
        except (msgspec.DecodeError, pa.ArrowException, OSError) as error:
            raise TableError(
                f"{self._place}/{name} is not whole, as a crash of the machine leaves it: it says "
                "of which offsets no table has a row, and why",
                "move it aside: `logpond verify` then shows these as gaps, and `logpond recover "
                "ingest` asks the topic for them again",
            ) from error

    def _contents(self, kind: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Yields the contents of these notes; if one is gone meanwhile, those that exist now.

        A note that is gone is in another one that was written before.
        """
        at: Any = objects.reader(self._place)
        found = {name: objects.get(at, name) for name in names}
        if None in found.values():
            found = {name: objects.get(at, name) for name in self._names(kind)}
        yield from ((name, content) for name, content in found.items() if content is not None)
