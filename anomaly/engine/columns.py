"""State of many keys as columns with one row a key, and names for the types of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


class Field(NamedTuple):
    """A column: how a new row starts, its type, and how many numbers a row has."""

    start: float = 0.0
    kind: str = "f8"
    width: int = 0


class Column(msgspec.Struct, frozen=True):
    """A column in a snapshot: its values as bytes."""

    kind: str
    shape: tuple[int, ...]
    data: bytes


class Columns:
    """Named columns that grow together; `state["level"]` has a row for every key."""

    def __init__(self, **fields: Field) -> None:
        self._fields = fields
        self._room, self.rows = 0, 0
        self._arrays: dict[str, Array] = {name: _new(field, 0) for name, field in fields.items()}

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name][: self.rows]

    def grow(self, rows: int) -> None:
        """Makes this many rows; new ones have the start value of their field."""
        if rows > self._room:
            self._room = max(rows, int(self._room * 1.25), 16)
            for name, field in self._fields.items():
                fresh = _new(field, self._room)
                fresh[: self.rows] = self._arrays[name][: self.rows]
                self._arrays[name] = fresh
        self.rows = rows

    def keep(self, rows: Bools) -> None:
        """Drops the rows where `rows` is false; the others move up."""
        for name in self._fields:
            self._arrays[name] = self[name][rows].copy()
        self._room = self.rows = int(rows.sum())

    def dump(self) -> dict[str, Column]:
        """Returns all columns as bytes, for a snapshot."""
        return {
            name: Column(field.kind, self[name].shape, self[name].tobytes())
            for name, field in self._fields.items()
        }

    def load(self, kept: dict[str, Column]) -> None:
        """Replaces this state by a snapshot. Raises KeyError where the snapshot lacks a column."""
        for name in self._fields:
            one = kept[name]
            self._arrays[name] = np.frombuffer(one.data, one.kind).reshape(one.shape).copy()
            self._room = self.rows = one.shape[0]


def _new(field: Field, rows: int) -> Array:
    shape = (rows, field.width) if field.width else (rows,)
    return np.full(shape, field.start, field.kind)
