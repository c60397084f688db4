"""A message of Protobuf as the JSON object of its fields, exactly. Pure.

As Protobuf has it in JSON, but for two things: names of fields are as the schema writes them, and
numbers of 64 bits are numbers. Fields that the schema does not know are kept by their number.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from lakehouse.formats.schemas.avro_values import double, moment, single
from lakehouse.formats.schemas.weight import DEEPEST, NAME, OBJECT, VALUE, Budget, TooMuch

UNKNOWN, GROUP = "unknown", 3
TYPE = "@type"
# What reads a message by its full name; None where the schema has none such.
Named = Callable[[str], "Callable[[bytes], Message] | None"]
SCALARS: dict[int, Callable[[Any], Any]] = {
    FieldDescriptor.TYPE_BYTES: lambda value: base64.b64encode(value).decode(),
    FieldDescriptor.TYPE_FLOAT: single,
    FieldDescriptor.TYPE_DOUBLE: double,
}
WELL_KNOWN = "google.protobuf."


class Objects:
    """Makes objects of the messages of one record.

    `named` finds what an `Any` holds. With `has_defaults` fields that are not there have their
    default, where Protobuf does not tell one from the other.
    """

    def __init__(self, named: Named, has_defaults: bool, budget: Budget) -> None:
        self._named, self._has_defaults, self._budget = named, has_defaults, budget

    def of(self, message: Message, depth: int = 0) -> dict[str, Any]:
        """The fields of a message by name."""
        if depth > DEEPEST:
            raise TooMuch(f"it is nested deeper than {DEEPEST} levels")
        fields = message.ListFields()
        self._budget.take(OBJECT + sum(_weight(field, value) for field, value in fields))
        found = {_name(field): self._field(field, value, depth) for field, value in fields}
        if self._has_defaults:
            self._budget.take(
                sum(VALUE + NAME * len(one.name) for one in message.DESCRIPTOR.fields)
            )
            for field in message.DESCRIPTOR.fields:
                if not (field.has_presence or field.is_repeated or field.name in found):
                    found[field.name] = self._scalar(field, getattr(message, field.name))
        unknown = UnknownFieldSet(message)
        return _with_unknown(found, unknown) if len(unknown) else found

    def _field(self, field: FieldDescriptor, value: Any, depth: int) -> Any:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name["value"]
            return {_key(key): self._one(of, value[key], depth) for key in value}
        if field.is_repeated:
            return [self._one(field, one, depth) for one in value]
        return self._one(field, value, depth)

    def _one(self, field: FieldDescriptor, value: Any, depth: int) -> Any:
        if field.message_type is None:
            return self._scalar(field, value)
        special = _SPECIAL.get(field.message_type.full_name)
        found = special(self, value, depth + 1) if special else None
        return self.of(value, depth + 1) if found is None else found[0]

    def _scalar(self, field: FieldDescriptor, value: Any) -> Any:
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            self._budget.take(NAME * len(known.name) if known else 0)
            return known.name if known else value
        convert = SCALARS.get(field.type)
        return convert(value) if convert else value

    def any(self, message: Any, depth: int) -> tuple[Any] | None:
        """What an Any holds, if its type is in the schema."""
        name = message.type_url.rpartition("/")[2]
        read = self._named(name) if name else None
        if read is None:
            return None
        try:
            inner = read(message.value)
        except TooMuch:
            raise
        except (DecodeError, ValueError):
            return None
        special = _SPECIAL.get(name)
        if special and name != f"{WELL_KNOWN}Any":
            made = special(self, inner, depth + 1)
            return ({TYPE: message.type_url, "value": made[0]},) if made else None
        return ({TYPE: message.type_url, **self.of(inner, depth + 1)},)


def _timestamp(_objects: Objects, message: Any, _depth: int) -> tuple[Any] | None:
    found = moment(message.seconds, message.nanos, 9) if 0 <= message.nanos < 10**9 else None
    return (found,) if found and not len(UnknownFieldSet(message)) else None


def _duration(_objects: Objects, message: Any, _depth: int) -> tuple[Any] | None:
    seconds, nanos = message.seconds, message.nanos
    if abs(nanos) >= 10**9 or seconds * nanos < 0:
        return None
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return (f"{sign}{abs(seconds)}.{abs(nanos):09d}s",)


def _wrapped(objects: Objects, message: Any, _depth: int) -> tuple[Any]:
    field = message.DESCRIPTOR.fields_by_name["value"]
    return (objects._scalar(field, message.value),)


def _struct(objects: Objects, message: Any, depth: int) -> tuple[Any]:
    return ({key: _json_value(objects, message.fields[key], depth)[0] for key in message.fields},)


def _list(objects: Objects, message: Any, depth: int) -> tuple[Any]:
    return ([_json_value(objects, one, depth)[0] for one in message.values],)


def _json_value(objects: Objects, message: Any, depth: int) -> tuple[Any]:
    if depth > DEEPEST:
        raise TooMuch(f"it is nested deeper than {DEEPEST} levels")
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return _struct(objects, message.struct_value, depth + 1)
    if kind == "list_value":
        return _list(objects, message.list_value, depth + 1)
    if kind == "number_value":
        return (_whole(message.number_value),)
    return (getattr(message, kind) if kind in ("string_value", "bool_value") else None,)


def _whole(number: float) -> Any:
    """JSON has no kinds of numbers: 3.0 is 3."""
    found = double(number)
    is_whole = isinstance(found, float) and found.is_integer() and abs(found) < 2**53
    return int(number) if is_whole else found


_WRAPPERS = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
_SPECIAL: dict[str, Callable[[Objects, Any, int], tuple[Any] | None]] = {
    f"{WELL_KNOWN}Timestamp": _timestamp,
    f"{WELL_KNOWN}Duration": _duration,
    f"{WELL_KNOWN}Struct": _struct,
    f"{WELL_KNOWN}ListValue": _list,
    f"{WELL_KNOWN}Value": _json_value,
    f"{WELL_KNOWN}Any": Objects.any,
    **{f"{WELL_KNOWN}{kind}Value": _wrapped for kind in _WRAPPERS},
}


def _with_unknown(found: dict[str, Any], unknown: Any, depth: int = 0) -> dict[str, Any]:
    """The fields with those that the schema does not know: by number, repeated ones as a list."""
    if depth > DEEPEST:
        raise TooMuch(f"it is nested deeper than {DEEPEST} levels")
    values: dict[str, list[Any]] = {}
    for field in unknown:
        value = field.data
        if field.wire_type == GROUP:
            value = _with_unknown({}, value, depth + 1)
        elif isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        values.setdefault(f"{UNKNOWN}.{field.field_number}", []).append(value)
    return found | {key: of[0] if len(of) == 1 else of for key, of in values.items()}


def _weight(field: FieldDescriptor, value: Any) -> int:
    return NAME * len(field.name) + VALUE * (len(value) if field.is_repeated else 1)


def _name(field: FieldDescriptor) -> str:
    return f"[{field.full_name}]" if field.is_extension else str(field.name)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
