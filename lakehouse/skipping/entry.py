"""The entry of a data file: filters of what its rows say, by kind. Pure.

Of the addresses, users and traces each whole value, of all texts that a query without a field is
about their parts, and of other names how long they are and which signs they have.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lakehouse.query.search.fields import SEARCHED
from lakehouse.skipping import bloom, grams, hashes
from lakehouse.skipping.hashes import Hashes

WHOLE = ("trace_id", "user", "ip")
SHAPED = ("event_id", "span_id")
COLUMNS = (*dict.fromkeys((*SEARCHED, *WHOLE, *SHAPED)),)
WORDS, DIGITS = "words", "digits"
# What the parts of texts may take of a file's own bytes, for words and for digits each.
TEXT_SHARE = 0.02
SHAPE = struct.Struct("<IIBB")
Filters = dict[str, bytes]


def whole(column: str) -> str:
    """The kind of filter for whole values of a column."""
    return f"whole:{column}"


def shape(column: str) -> str:
    """The kind of filter for how values of a column look."""
    return f"shape:{column}"


def build(batches: Iterable[pa.RecordBatch], size: int) -> Filters:
    """Returns the filters of a file of so many bytes, whose rows are read batch by batch.

    A column that the file does not have is NULL in each row. A kind that would say nothing is left
    out.
    """
    made = _Builder(grams.Runs(grams.power_of(size, TEXT_SHARE)))
    for batch in batches:
        for name in batch.schema.names:
            made.add(name, _distinct(batch.column(name)))
    return made.filters()


def may_have_shape(bits: memoryview, value: str) -> bool:
    """Whether a value is as long as those of a filter of shapes, with such signs."""
    if not len(bits):
        return False
    text = value.lower().encode()
    least, most, low, high = SHAPE.unpack(bits)
    return bool(least <= len(text) <= most and all(low <= sign <= high for sign in text))


@dataclass
class _Shape:
    least: int = (1 << 32) - 1
    most: int = -1
    low: int = 255
    high: int = 0

    def add(self, values: pa.Array) -> None:
        least, most, low, high = hashes.bounds(values)
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.low, self.high = min(self.low, low), max(self.high, high)

    def packed(self) -> bytes:
        if self.most < 0:
            return b""
        return SHAPE.pack(self.least, self.most, self.low, self.high)


@dataclass
class _Builder:
    runs: grams.Runs
    values: dict[str, list[Hashes]] = field(default_factory=lambda: {c: [] for c in WHOLE})
    shapes: dict[str, _Shape] = field(default_factory=lambda: {c: _Shape() for c in SHAPED})
    # columns of which only an engine knows the lower case
    foreign: set[str] = field(default_factory=set)

    def add(self, name: str, values: pa.Array) -> None:
        """Adds texts of a column, without NULL."""
        if not len(values):
            return
        if not hashes.is_plain(values):
            self.foreign.add(name)
        if name in self.values:
            self.values[name].append(hashes.distinct(hashes.of(values)))
        if name in self.shapes:
            self.shapes[name].add(values)
        if name in SEARCHED:
            self.runs.add(hashes.joined(values, grams.BETWEEN))

    def filters(self) -> Filters:
        """Returns all of them."""
        nothing = np.empty(0, np.uint64)
        of_values = {
            whole(name): bloom.build(np.concatenate([nothing, *found]))
            for name, found in self.values.items()
            if name not in self.foreign
        }
        of_shapes = {
            shape(name): found.packed()
            for name, found in self.shapes.items()
            if name not in self.foreign
        }
        words, digits = (None, None) if self.foreign & {*SEARCHED} else self.runs.filters()
        texts = {WORDS: words, DIGITS: digits}
        return of_values | of_shapes | {kind: b for kind, b in texts.items() if b is not None}


def _distinct(column: pa.Array) -> pa.Array:
    """Returns the texts of a column once each where that is known, else all; without NULL."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary
    return column.drop_null().cast(pa.string())
