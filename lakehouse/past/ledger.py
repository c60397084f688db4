"""The ledger of a table as objects: segments of entries in order, and the spans of its files.

A segment is named by its first and its last version and a hash of its bytes, which is looked at
when it is read, and is never changed. Who is late writes one
that is shorter than another that is there already: of all segments the one that reaches furthest
counts. So two may write at once, and one may die at any point; nothing that was noted is lost.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.errors import TableError
from lakehouse.past.entry import ADDED_LATER, COLUMNS, Entry, Totals, as_table
from lakehouse.past.spans import Spans
from lakehouse.paths import Places
from lakehouse.store import durable, objects

SEGMENT = re.compile(r"^(\d{20})-(\d{20})-([0-9a-f]{16})\.parquet$")
SPANS = re.compile(r"^(\d{20})-spans-([0-9a-f]{16})\.parquet$")
BEFORE, AFTER = b"logpond.before", b"logpond.after"
# Segments with fewer entries are merged once there are so many of them.
FULL_ENTRIES, MOST_PARTS = 1 << 16, 16
T = TypeVar("T")


class Segment(NamedTuple):
    """An object with the entries of versions `first` to `last`."""

    first: int
    last: int
    digest: str = ""

    @property
    def name(self) -> str:
        """The name of its object."""
        return f"{self.first:020d}-{self.last:020d}-{self.digest}.parquet"

    @classmethod
    def named(cls, name: str) -> Segment | None:
        """Returns the segment of an object; None where the name is of another thing."""
        found = SEGMENT.match(name)
        return cls(int(found[1]), int(found[2]), found[3]) if found else None


@dataclass
class Ledger:
    """The stored entries of a table's commits, read as far as they are asked for."""

    places: Places
    table: str
    table_id: str
    segments: list[Segment] = field(default_factory=list)
    _read: dict[tuple[Segment, tuple[str, ...]], pa.Table] = field(default_factory=dict)
    _contents: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.places.commits_of(f"{self.table}/{self.table_id}")
        self.refresh()

    def refresh(self) -> None:
        """Looks which segments there are."""
        self.names = objects.names(objects.reader(self.root), "")
        self.segments, self._read, self._contents = in_order(self.stored), {}, {}

    def refuse_moved(self) -> None:
        """Raises Moved where it has grown since it was read: a trim comes after that."""
        if Ledger(self.places, self.table, self.table_id).last > self.last:
            raise Moved(f"the ledger of commits of table {self.table}")

    @property
    def stored(self) -> list[Segment]:
        """All segments that are there, also those that another one has taken the place of."""
        return [*filter(None, map(Segment.named, self.names))]

    @property
    def first(self) -> int | None:
        """The first version that it has an entry of; None where it is empty."""
        return self.segments[0].first if self.segments else None

    @property
    def last(self) -> int:
        """The last version that it has an entry of; -1 where it is empty."""
        return self.segments[-1].last if self.segments else -1

    def entries(self, first: int, last: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns the entries of versions `first` to `last`, in order, with some columns or all."""
        names = (*(columns or COLUMNS.names),)
        wanted = ("version", *(name for name in names if name != "version"))
        found, since = [], first
        for one in self.segments:
            if one.first <= last and since <= one.last:
                rows = _between(self._segment(one, wanted), since, last)
                found.append(rows.select(names))
            since = max(since, one.last + 1)  # what two of them have is taken once
        schema = pa.schema([COLUMNS.field(name) for name in names])
        return pa.concat_tables([schema.empty_table(), *found])

    def totals(self, of: Segment | None = None, which: bytes = AFTER) -> Totals:
        """Returns what all entries add up to, or those before or up to a segment."""
        if of is None and not self.segments:
            return Totals()
        content = self._content((of or self.segments[-1]).name)
        schema = self._whole(lambda: pq.read_schema(pa.BufferReader(content)))
        return msgspec.json.decode(schema.metadata[which], type=Totals)

    def segment_of(self, version: int) -> Segment | None:
        """Returns the segment with the entries of a version; None where there is none."""
        return next((one for one in self.segments if one.first <= version <= one.last), None)

    def append(self, last: int, entries: Sequence[Entry], before: Totals, after: Totals) -> None:
        """Writes the entries of versions behind the others, up to `last`, for good."""
        first = self.last + 1 if self.segments else entries[0].version
        self._write(first, last, as_table(entries), before, after)

    def spans(self) -> Spans:
        """Returns the newest spans of files that are not ahead of the entries; else empty ones."""
        for name in sorted(filter(SPANS.match, self.names), reverse=True):
            version, content = int(name[:20]), objects.get(objects.reader(self.root), name)
            if version <= self.last and content is not None and _digest(content) in name:
                return self._whole(partial(Spans.decoded, version, content))
        return Spans()

    def put_spans(self, spans: Spans) -> None:
        """Writes the spans of the files of a version, and deletes those of older ones."""
        content = spans.encoded()
        name = f"{spans.version:020d}-spans-{_digest(content)}.parquet"
        durable.create(self.places, self.root, name, content)
        old = [n for n in self.names if (m := SPANS.match(n)) and int(m[1]) < spans.version]
        objects.delete_all(objects.store(self.root), old)

    def tidy(self) -> None:
        """Makes one segment of small ones, if they are many; they go once it is there."""
        parts: list[Segment] = []
        for one in reversed(self.segments):
            if one.last - one.first >= FULL_ENTRIES:
                break
            parts.insert(0, one)
        if len(parts) <= MOST_PARTS:
            return
        rows = self.entries(parts[0].first, parts[-1].last)
        before, after = self.totals(parts[0], BEFORE), self.totals(parts[-1])
        first, last = parts[0].first, parts[-1].last
        gone = [one for one in self.stored if first <= one.first and one.last <= last]
        name = self._write(first, last, rows, before, after)
        objects.delete_all(objects.store(self.root), [o.name for o in gone if o.name != name])
        self.refresh()

    def _write(self, first: int, last: int, rows: pa.Table, before: Totals, after: Totals) -> str:
        noted = {BEFORE: msgspec.json.encode(before), AFTER: msgspec.json.encode(after)}
        buffer = io.BytesIO()
        numbers = [f.name for f in COLUMNS if pa.types.is_signed_integer(f.type)]
        pq.write_table(
            rows.replace_schema_metadata(noted),
            buffer,
            compression="zstd",
            use_dictionary=[f.name for f in COLUMNS if pa.types.is_string(f.type)],
            column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
            write_statistics=False,
        )
        name = Segment(first, last, _digest(buffer.getvalue())).name
        durable.create(self.places, self.root, name, buffer.getvalue())
        self.refresh()
        return name

    def _segment(self, segment: Segment, names: tuple[str, ...]) -> pa.Table:
        if (segment, names) not in self._read:
            content = self._content(segment.name)
            self._read[segment, names] = self._whole(lambda: _columns(content, names))
        return self._read[segment, names]

    def _content(self, name: str) -> bytes:
        if name in self._contents:
            return self._contents[name]
        content = objects.get(objects.reader(self.root), name)
        if content is not None and _digest(content) not in name:
            raise self._torn("its bytes are others than were written")
        if content is None:
            raise Moved(f"the ledger of commits of table {self.table}")
        self._contents[name] = content
        return content

    def _whole(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (pa.ArrowException, OSError, msgspec.DecodeError, KeyError) as error:
            raise self._torn(str(error)) from error

    def _torn(self, why: str) -> TableError:
        return TableError(
            f"the ledger of commits of table {self.table}, {self.root}, is not whole: {why}",
            "move this folder aside: upkeep makes it again from the log, and states before the log "
            "are then gone",
        )


class Moved(TableError):
    """What the ledger or the log had a moment ago is gone: another process has moved it on."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was moved while it was read, by upkeep", "ask again")


def in_order(found: Any) -> list[Segment]:
    """Returns segments that follow each other without a gap; of several that fit the longest."""
    left, chosen = sorted(found), list[Segment]()
    while left:
        next_first = chosen[-1].last + 1 if chosen else left[0].first
        fitting = [one for one in left if one.first <= next_first <= one.last]
        if not fitting:
            break
        best = max(fitting, key=lambda one: one.last)
        chosen.append(best)
        left = [one for one in left if one.last > best.last]
    return chosen


def _between(rows: pa.Table, first: int, last: int) -> pa.Table:
    versions = rows["version"]
    return rows.filter(pc.and_(pc.greater_equal(versions, first), pc.less_equal(versions, last)))


def _columns(content: bytes, names: Sequence[str]) -> pa.Table:
    """Returns columns of a segment; what an earlier release did not write yet is empty."""
    there = pq.read_schema(pa.BufferReader(content)).names
    later = [name for name in names if name in ADDED_LATER and name not in there]
    wanted = [name for name in names if name not in later]
    rows = pq.read_table(pa.BufferReader(content), columns=wanted).replace_schema_metadata()
    for name in later:
        empty = pa.repeat(pa.scalar(ADDED_LATER[name], COLUMNS.field(name).type), rows.num_rows)
        rows = rows.append_column(COLUMNS.field(name), empty)
    return rows.select([*names])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
