"""Why a payload is not an event: a code to count by, and words that name the field and fault.

Run only for what the fast path refused. Syntax is judged on the whole payload first, so that a
fault of one field never hides that the text as a whole is no JSON.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from lakehouse.decode.nesting import MAX_DEPTH, too_deep
from lakehouse.decode.wire import FIELDS, WireField

REASONS = {
    "empty": "the record has no value",
    "syntax": "not one JSON text in UTF-8",
    "not_an_object": "JSON, but not an object",
    "missing_field": "a required field is absent or null",
    "wrong_type": "a field is of another type",
    "out_of_range": "a field is outside its bounds",
    "bad_timestamp": "not RFC 3339 with a zone, or outside the years 1970 to 9999 in UTC",
    "future_timestamp": "too far ahead of the broker's time",
    "past_timestamp": "too far behind the broker's time",
    "bad_record_time": "the record's own time is outside the years 1970 to 9999",
}


class Fault(NamedTuple):
    """A reason out of `REASONS`, and the detail in words, short whatever the payload."""

    reason: str
    detail: str


_LONGEST_NUMBER = 40
EMPTY = Fault("empty", REASONS["empty"])
_ABSENT = (b"", b"null")
_KINDS = {
    b'"': "text",
    b"[": "a list",
    b"{": "an object",
    b"t": "true",
    b"f": "false",
    b"n": "null",
}
_Parts = msgspec.defstruct("Parts", [(f.name, msgspec.Raw, msgspec.Raw(b"")) for f in FIELDS])
_parts_of = msgspec.json.Decoder(_Parts).decode
_text_of = msgspec.json.Decoder(msgspec.Raw).decode
_value_of = {f.name: msgspec.json.Decoder(f.type).decode for f in FIELDS}


def diagnose(payload: bytes | None) -> Fault:
    """The fault of a payload that is no event."""
    if payload is None:
        return EMPTY
    return _syntax(payload) or _shape(payload) or _fields(payload)


def _syntax(payload: bytes) -> Fault | None:
    try:
        payload.decode()
        if too_deep(payload):
            raise RecursionError
        _text_of(payload)
    except UnicodeDecodeError as error:
        return Fault("syntax", f"not UTF-8: {error.reason} (byte {error.start})")
    except RecursionError:
        return Fault("syntax", f"nested deeper than {MAX_DEPTH} levels")
    except msgspec.DecodeError as error:
        return Fault("syntax", f"not JSON: {_plain(error)}" if payload else "zero bytes")
    return None


def _shape(payload: bytes) -> Fault | None:
    kind = _kind(payload)
    return None if kind == "an object" else Fault("not_an_object", f"{kind}, not an object")


def _fields(payload: bytes) -> Fault:
    parts = _parts_of(payload)
    values = [(f, bytes(getattr(parts, f.name))) for f in FIELDS]
    missing = [f.name for f, value in values if f.required and value in _ABSENT]
    if missing:
        return Fault("missing_field", f"absent or null: {', '.join(missing)}")
    faults = (_misfit(f, value) for f, value in values if value not in _ABSENT)
    # Of a repeated field each value has to fit, while `parts` holds the last one only.
    repeated = Fault("wrong_type", "a field is repeated, and an earlier value does not fit")
    return next(filter(None, faults), repeated)


def _misfit(field: WireField, value: bytes) -> Fault | None:
    try:
        _value_of[field.name](value)
    except msgspec.ValidationError as error:
        zoneless = " timezone " in str(error)
        found = "text without a zone" if zoneless else _rendered(value)
        reason = _reason(field, str(error))
        return Fault(reason, f"{field.name}: {found}, wanted {field.wanted}")
    return None


def _reason(field: WireField, message: str) -> str:
    if field.name == "timestamp":
        return "bad_timestamp"
    return "wrong_type" if ", got `" in message else "out_of_range"


def _plain(error: msgspec.DecodeError) -> str:
    words = str(error).removeprefix("JSON is malformed: ")
    return "breaks off" if words == "Input data was truncated" else words


def _rendered(value: bytes) -> str:
    """What a field held, in words; in full only where it is a short number, so safe to print."""
    kind = _kind(value)
    if kind == "a number" and len(value) <= _LONGEST_NUMBER:
        return value.decode()
    return "empty text" if value == b'""' else kind


def _kind(value: bytes) -> str:
    return _KINDS.get(value.lstrip()[:1], "a number")
