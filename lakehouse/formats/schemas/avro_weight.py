"""Whether an Avro record may be read: its values are weighed before any is made. Pure.

`fastavro` makes what is announced and follows records into records on the stack of C. A schema says
how heavy and how deep its records can get; where that could be too much, the record is walked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from lakehouse.formats.schemas.avro_types import ARRAY, ENUM, FIXED, MAP, RECORD, UNION, Type
from lakehouse.formats.schemas.lookup import BadSchema
from lakehouse.formats.schemas.varint import varint
from lakehouse.formats.schemas.weight import (
    DEEPEST,
    LIST,
    OBJECT,
    VALUE,
    Budget,
    TooMuch,
    most,
    named,
)

WIDTHS = {"null": 0, "boolean": 1, "float": 4, "double": 8}
OWN = {ARRAY: LIST, MAP: OBJECT}
# A byte of a decimal number are two digits and a half.
DIGITS = 3
SPREADS = (ARRAY, MAP, UNION)
NUMBERS = ("int", "long", ENUM)


class Size(NamedTuple):
    """The least bytes of a value, the weight of what is always made of it, and that without parts.

    A value that may take no byte takes none ever, and its weight is exact.
    """

    least: int
    weight: int
    own: int


class Weigher:
    """Weighs the records of a schema."""

    def __init__(self, top: Type) -> None:
        self._top = top
        self._sizes: dict[Type, Size] = {}
        self._is_recursive = False
        self._density = 0.0
        self._weight = self._sized(top, ()).weight

    def check(self, body: bytes) -> None:
        """Raises TooMuch for a record of too many values; a ValueError may say that it is none."""
        if self._is_recursive or self._weight + self._density * len(body) > most(len(body)):
            _Walk(body, self._sizes).value(self._top, 0, 0)

    def _sized(self, one: Type, within: tuple[Type, ...]) -> Size:
        """The size of the values of a type.

        What a list, a map or a union holds is weighed by itself: by the bytes that it takes.
        """
        if one in within:
            self._is_recursive = True
            return Size(1, 0, 0)
        if one in self._sizes:
            return self._sizes[one]
        if len(within) > DEEPEST:
            raise BadSchema("it is too deep")
        parts = [self._sized(part, (*within, one)) for _, part in one.parts]
        own = _own(one)
        least, weight = _least(one), own
        if one.kind in SPREADS:
            for size, heavy, _ in parts:
                bytes_each = size + (one.kind != ARRAY)
                self._density = max(self._density, heavy / bytes_each if bytes_each else math.inf)
        else:
            least += sum(part.least for part in parts)
            weight += sum(part.weight for part in parts)
        self._sizes[one] = Size(min(least, 1 << 40), min(weight, 1 << 40), own)
        return self._sizes[one]


def _own(one: Type) -> int:
    """The weight of a value, without its parts: with the names that are written with it."""
    if one.kind == RECORD:
        return OBJECT + sum(named(name) for name, _ in one.parts)
    if one.kind == ENUM:
        return VALUE + max(map(named, one.symbols), default=0)
    if one.kind == UNION:
        kinds = [named(name) for name, part in one.parts if part.kind == RECORD]
        return VALUE + (VALUE + max(kinds) if len(kinds) > 1 else 0)
    if one.logical == "decimal":
        return VALUE + one.scale + DIGITS * one.size
    return OWN.get(one.kind, VALUE)


def _least(one: Type) -> int:
    """The least bytes of a value, without its parts."""
    if one.kind == RECORD:
        return 0
    return one.size if one.kind == FIXED else WIDTHS.get(one.kind, 1)


class _Walk:
    """Steps over the values of one record."""

    def __init__(self, body: bytes, sizes: Mapping[Type, Size]) -> None:
        self._body, self._budget, self._sizes = body, Budget(len(body)), sizes

    def value(self, one: Type, at: int, depth: int) -> int:
        """Where a value ends."""
        if depth > DEEPEST:
            raise TooMuch(f"it is nested deeper than {DEEPEST} levels")
        size = self._sizes[one]
        if not size.least:
            self._budget.take(size.weight)
            return at
        self._budget.take(size.own)
        if one.kind == RECORD:
            for _, part in one.parts:
                at = self.value(part, at, depth + 1)
            return at
        if one.kind == UNION:
            branch, at = self._number(at)
            if not 0 <= branch < len(one.parts):
                raise ValueError("it has a branch that its union lacks")
            return self.value(one.parts[branch][1], at, depth + 1)
        if one.kind in (ARRAY, MAP):
            return self._blocks(one, at, depth)
        if one.kind in NUMBERS:
            return self._number(at)[1]
        return self._over(at, one.size if one.kind == FIXED else WIDTHS.get(one.kind))

    def _blocks(self, one: Type, at: int, depth: int) -> int:
        while True:
            count, at = self._number(at)
            if count < 0:
                _, at = self._number(at)
            if not count:
                return at
            each = self._sizes[one.parts[0][1]]
            if one.kind == ARRAY and not each.least:
                self._budget.take(abs(count) * each.weight)
                continue
            for _ in range(abs(count)):
                at = self._over(at, None) if one.kind == MAP else at
                at = self.value(one.parts[0][1], at, depth + 1)

    def _over(self, at: int, size: int | None) -> int:
        if size is None:
            size, at = self._number(at)
        if size < 0 or at + size > len(self._body):
            raise ValueError("it breaks off")
        return at + size

    def _number(self, at: int) -> tuple[int, int]:
        value, at = varint(self._body, at)
        return (value >> 1) ^ -(value & 1), at
