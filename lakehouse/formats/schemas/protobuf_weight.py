"""Whether a message of Protobuf may be read: its messages are weighed before any is made. Pure.

Two bytes can be a message with room for a thousand fields. A schema says how heavy its messages
are; where a record could get too heavy, its fields are walked as they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from lakehouse.formats.schemas.varint import varint
from lakehouse.formats.schemas.weight import (
    DEEPEST,
    OBJECT,
    SPARE,
    VALUE,
    Budget,
    TooMuch,
    most,
    named,
)

FIELD = 24
UNKNOWN = 120
VARINT, I64, BYTES, GROUP, END, I32 = range(6)
WIDTHS = {I64: 8, I32: 4}
NEVER_PACKED = (
    *(FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES),
    *(FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP),
)
# Of a list of numbers each takes a byte at least, and many fields more than their tag.
LEAST = 2


class Weigher:
    """Weighs the records of a message."""

    def __init__(self, top: Descriptor) -> None:
        """Raises BadSchema for names that no event has."""
        shapes = _shapes(top)
        self._top = shapes[top.full_name]
        fields = [each for shape in shapes.values() for each in shape.fields.values()]
        self._density = max([UNKNOWN / LEAST, *map(_by_byte, fields)])
        # What a record may take besides: room for all fields of the message that it is.
        full = self._top.room + sum(each.weight for each in self._top.fields.values())
        self.spare = min(full, SPARE)

    def check(self, record: bytes) -> None:
        """Raises TooMuch for a record of too many values; a ValueError may say that it is none."""
        size = len(record)
        if self._top.room + self._density * size > most(size) + self.spare:
            _Walk(record, self.spare).message(self._top, 0, size, 0)


@dataclass(eq=False)
class Shape:
    """A message: the weight of one without fields, and its fields by number."""

    room: int
    fields: dict[int, Weighed] = field(default_factory=dict)


class Weighed(NamedTuple):
    """A field: the message that it holds, the weight of a value, and of each where many are packed.

    That of a message has its fields besides.
    """

    inner: Shape | None
    weight: int
    packed: int


def _shapes(top: Descriptor) -> dict[str, Shape]:
    """All messages that can be in one, by name."""
    found, waiting = {top.full_name: Shape(_room(top))}, [top]
    while waiting:
        one = waiting.pop()
        for each in one.fields:
            inner = each.message_type
            if inner is not None and inner.full_name not in found:
                found[inner.full_name] = Shape(_room(inner))
                waiting.append(inner)
            held, value = inner and found[inner.full_name], VALUE + _symbol(each)
            packed = value if each.is_repeated and each.type not in NEVER_PACKED else 0
            weighed = Weighed(held, value + named(each.name), packed)
            found[one.full_name].fields[each.number] = weighed
    return found


def _room(one: Descriptor) -> int:
    """The weight of a message without any field; one of a map always has room for its value."""
    value = one.fields_by_name["value"].message_type if one.GetOptions().map_entry else None
    return max(OBJECT + FIELD * len(one.fields), UNKNOWN) + (_room(value) if value else 0)


def _symbol(of: FieldDescriptor) -> int:
    """The weight of the longest name of an enum's values."""
    if of.enum_type is None:
        return 0
    return max((named(value.name) for value in of.enum_type.values), default=0)


def _by_byte(of: Weighed) -> float:
    """The weight of a field by byte, without those within it."""
    room = of.inner.room if of.inner else 0
    return max((of.weight + room) / LEAST, of.packed)


class _Walk:
    """Steps over the fields of one record (https://protobuf.dev/programming-guides/encoding)."""

    def __init__(self, record: bytes, spare: int) -> None:
        self._record, self._budget = record, Budget(len(record), spare)

    def message(self, of: Shape | None, at: int, end: int, depth: int, group: int = 0) -> int:
        """Where a message ends: at `end`, or after the end of its group."""
        if depth > DEEPEST:
            raise TooMuch(f"it is nested deeper than {DEEPEST} levels")
        self._budget.take(of.room if of else UNKNOWN)
        while at < end:
            tag, at = varint(self._record, at)
            number, kind = tag >> 3, tag & 7
            if kind == END:
                if number != group:
                    raise ValueError("it ends a group that it did not begin")
                return at
            known = of.fields.get(number) if of else None
            at = self._field(known, number, kind, at, end, depth)
        if at != end or group:
            raise ValueError("it breaks off")
        return at

    def _field(
        self, known: Weighed | None, number: int, kind: int, at: int, end: int, depth: int
    ) -> int:
        inner = known.inner if known else None
        self._budget.take(known.weight if known else UNKNOWN)
        if kind == GROUP:
            return self.message(inner, at, end, depth + 1, number)
        if kind == VARINT:
            return varint(self._record, at)[1]
        size = WIDTHS.get(kind, 0)
        if kind == BYTES:
            size, at = varint(self._record, at)
        elif not size:
            raise ValueError("it has a field of an unknown type")
        if at + size > end:
            raise ValueError("it breaks off")
        if inner is not None:
            return self.message(inner, at, at + size, depth + 1)
        # what is packed may be a number a byte
        self._budget.take(known.packed * size if known else 0)
        return at + size
