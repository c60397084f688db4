"""The column `attributes`: maps of text to text, made by whole columns where keys were expected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.decode.leftover.pairs import Pair, as_text
from lakehouse.decode.wire import Keys

MAP = pa.map_(pa.string(), pa.string())
_NULL = ord("n")


class Attributes:
    """The attributes of `count` events.

    `columns` are the texts of the expected keys, a column a key; `singles` the pairs of single
    events, by place, which have no other values. Pairs are in the order of their keys, whichever of
    the two they are from.
    """

    def __init__(
        self, keys: Keys, columns: list[pa.Array], singles: dict[int, list[Pair]], count: int
    ) -> None:
        self._keys, self._columns = keys, columns
        self._singles, self._count = singles, count

    @classmethod
    def joined(cls, keys: Keys, parts: Sequence[Attributes]) -> Attributes:
        """Those of events that follow each other."""
        columns = zip(*(part._columns for part in parts), strict=True)
        firsts = accumulate((part._count for part in parts), initial=0)
        singles = {
            first + place: pairs
            for first, part in zip(firsts, parts, strict=False)
            for place, pairs in part._singles.items()
        }
        count = sum(part._count for part in parts)
        return cls(keys, [pa.concat_arrays(each) for each in columns], singles, count)

    def add(self, place: int, key: str, text: str) -> None:
        """Give an event one more attribute."""
        pairs = self._singles.get(place)
        pairs = self._pairs(place) if pairs is None else pairs
        self._singles[place] = sorted([*pairs, (key, text)])

    def array(self) -> pa.Array:
        """The column; NULL where an event has no attribute."""
        if not self._columns and not self._singles:
            return pa.nulls(self._count, MAP)
        rows, keys, items = self._expected()
        if self._singles:
            rows, keys, items = self._merged(rows, keys, items)
        counts = np.bincount(rows, minlength=self._count)
        offsets = np.zeros(self._count + 1, np.int32)
        np.cumsum(counts, out=offsets[1:])
        present = pa.array(counts > 0).buffers()[1]
        pairs = pa.StructArray.from_arrays([keys, items], fields=[MAP.key_field, MAP.item_field])
        buffers = [present, pa.py_buffer(offsets)]
        return pa.Array.from_buffers(MAP, self._count, buffers, children=[pairs])

    def _pairs(self, place: int) -> list[Pair]:
        """What an event has of the expected keys."""
        texts = [column[place].as_py() for column in self._columns]
        pairs = zip(self._keys.names, texts, strict=True)
        return sorted((name, text) for name, text in pairs if text is not None)

    def _expected(self) -> tuple[np.ndarray, pa.Array, pa.Array]:
        """Place, key and text of each pair of an expected key, event by event."""
        names = self._keys.names
        if not names:
            return np.zeros(0, np.int64), pa.array([], pa.string()), pa.array([], pa.string())
        order = sorted(range(len(names)), key=names.__getitem__)
        columns = [self._columns[number] for number in order]
        is_there = np.array([each.is_valid().to_numpy(zero_copy_only=False) for each in columns])
        is_there[:, list(self._singles)] = False
        rows, numbers = np.nonzero(is_there.T)
        keys = pa.array(sorted(names), pa.string()).take(pa.array(numbers))
        return rows, keys, pa.concat_arrays(columns).take(pa.array(numbers * self._count + rows))

    def _merged(
        self, rows: np.ndarray, keys: pa.Array, items: pa.Array
    ) -> tuple[np.ndarray, pa.Array, pa.Array]:
        places = [place for place, pairs in self._singles.items() for _ in pairs]
        pairs = [pair for each in self._singles.values() for pair in each]
        rows = np.concatenate([rows, np.array(places, np.int64)])
        keys = pa.concat_arrays([keys, pa.array([key for key, _ in pairs], pa.string())])
        items = pa.concat_arrays([items, pa.array([text for _, text in pairs], pa.string())])
        order = np.argsort(rows, kind="stable")
        return rows[order], keys.take(pa.array(order)), items.take(pa.array(order))


def expected(keys: Keys, values: Sequence[Sequence[Any]]) -> tuple[list[pa.Array], set[int]]:
    """The columns of the expected keys, and the places of events that have an object in one.

    `values` are a sequence a key. An object is as many attributes as it has leaves, which its event
    has to be read by itself for.
    """
    columns, objects = list[pa.Array](), set[int]()
    for each, is_text in zip(values, keys.are_texts, strict=True):
        column, places = (pa.array(each, pa.string()), ()) if is_text else as_written(each)
        columns.append(column)
        objects.update(places)
    return columns, objects


def as_written(values: Sequence[Any]) -> tuple[pa.Array, Sequence[int]]:
    """JSON values as texts, NULL for null and for none, and the places of objects."""
    joined = b"".join(values)
    if any(kind in joined for kind in (b"[", b"{", b'"')):
        return _as_texts([bytes(value) for value in values])
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
    content = np.frombuffer(joined, np.uint8)
    starts = np.concatenate([[0], ends[:-1]])
    is_there = ends > starts
    is_there[is_there] = content[starts[is_there]] != _NULL
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    buffers = [pa.array(is_there).buffers()[1], pa.py_buffer(offsets), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.string(), len(values), buffers), ()


def _as_texts(values: list[bytes]) -> tuple[pa.Array, list[int]]:
    texts = [None if each[:1] in (b"", b"n") else as_text(each) for each in values]
    objects = [place for place, each in enumerate(values) if each[:1] == b"{"]
    return pa.array(texts, pa.string()), objects
