"""The skip index where it is kept: segments, each an object that never changes.

A segment is named by the day of its data files. New entries make a new one, and several of a day
are merged into one; a process that dies in between leaves entries twice, or files without one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import obstore
from obstore.exceptions import BaseError

from lakehouse.paths import Places
from lakehouse.query.search.fields import SEARCHED
from lakehouse.skipping import segment
from lakehouse.skipping.segment import Damaged, Entry, Head
from lakehouse.store import durable, objects

# The beginning of a segment, with the head of one of a hundred files or so.
BEGINNING = 64 << 10
HEADS_KEPT = 512
SUFFIX = ".skip"
# What a segment that is away, or not as it was written, raises.
LOST = (FileNotFoundError, BaseError, OSError, Damaged)
Kinds = Mapping[str, memoryview]


@dataclass(frozen=True)
class Kept:
    """The skip index of a table."""

    places: Places
    table: str

    @property
    def root(self) -> str:
        """Where its segments are."""
        return self.places.skip_index(self.table)

    @cached_property
    def at(self) -> Any:
        """The store that is read."""
        return objects.reader(self.root)

    def names(self) -> list[str]:
        """Returns the segments, `<day>/<name>`."""
        return sorted(name for name in objects.names_below(self.at) if name.endswith(SUFFIX))

    def head(self, name: str) -> Head:
        """Returns what is in a segment. Raises LOST."""
        return _head(self, name)[0]

    def blocks(self, name: str, kinds: Collection[str]) -> Kinds:
        """Returns the filters of some kinds, of all files of a segment. Raises LOST."""
        head, begin = _head(self, name)
        wanted = {kind: head.blocks[kind] for kind in kinds if kind in head.blocks}
        full = {kind: of for kind, of in wanted.items() if of.length}
        found = {kind: segment.block(of, b"") for kind, of in wanted.items() if not of.length}
        if full:
            starts = [begin + of.begin for of in full.values()]
            lengths = [of.length for of in full.values()]
            read = obstore.get_ranges(self.at, name, starts=starts, lengths=lengths)
            for (kind, of), content in zip(full.items(), read, strict=True):
                found[kind] = segment.block(of, bytes(content))
        return found

    def entries(self, name: str) -> list[Entry]:
        """Returns all of a segment, each byte of it as it was written. Raises LOST."""
        return segment.decode(objects.get(self.at, name) or b"")[1]

    def write(self, day: str, entries: Sequence[Entry]) -> str:
        """Writes a segment. Returns its name."""
        name = f"{day}/{uuid.uuid4().hex}{SUFFIX}"
        durable.put(self.places, self.root, name, segment.encode(SEARCHED, entries))
        return name

    def delete(self, names: Sequence[str]) -> None:
        """Deletes segments; those that are gone already are no fault."""
        objects.delete_all(objects.store(self.root), names)

    def readable(self) -> Iterator[tuple[str, Head]]:
        """Yields the segments whose heads are right."""
        for name in self.names():
            try:
                yield name, self.head(name)
            except LOST:
                continue

    def is_damaged(self, name: str) -> bool:
        """Whether some byte of a segment is another one; one that is gone is not damaged."""
        try:
            self.entries(name)
        except Damaged:
            return objects.size(self.at, name) is not None
        except (FileNotFoundError, BaseError, OSError):
            return False
        return False


def day_of(path: str) -> str:
    """Returns the day that a data file is of, by its path: the first of its folders."""
    return path.partition("/")[0].partition("=")[2] or "none"


@lru_cache(HEADS_KEPT)
def _head(kept: Kept, name: str) -> tuple[Head, int]:
    """Returns the head of a segment, which never changes, and where its first block begins."""
    beginning = bytes(obstore.get_range(kept.at, name, start=0, length=BEGINNING))
    begin = segment.head_length(beginning)
    if begin > len(beginning):
        beginning = bytes(obstore.get_range(kept.at, name, start=0, length=begin))
    return segment.head(beginning), begin
