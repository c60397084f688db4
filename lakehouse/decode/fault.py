"""Why a payload is not an event: a code to count by, and a text that names field and fault.

Run only for what the fast path refused. Syntax is judged on the whole payload first, so that a
fault of one field never hides that the text as a whole is no JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lakehouse.decode.nesting import MAX_DEPTH, too_deep
from lakehouse.decode.rules import Rules
from lakehouse.decode.wire import ABSENT, FIELDS, WireField
from lakehouse.formats.format import Fault

REASONS = {
    "empty": "the record has no value",
    "syntax": "not one JSON text in UTF-8",
    "not_an_object": "JSON, but not an object",
    "bad_format": "not a record of the format that its source has",
    "unknown_schema": "its schema registry has no schema of its number: replay once it has",
    "no_registry": "its schema registry did not answer: replay once it does",
    "bad_schema": "its schema is too large, or no record can be read by it",
    "missing_field": "a required field is absent or null",
    "wrong_type": "a field is of another type",
    "out_of_range": "a field is outside its bounds",
    "bad_timestamp": "not RFC 3339 with a zone, or outside the years 1970 to 9999 in UTC",
    "future_timestamp": "too far ahead of the broker's time",
    "past_timestamp": "too far behind the broker's time",
    "over_budget": "the record, the number of its attributes or a key of them is too large",
    "not_decoded": "decoding it failed, which is a fault of logpond: report it",
    "bad_record_time": "the record's own time is outside the years 1970 to 9999",
}


_LONGEST_NUMBER = 40
EMPTY = Fault("empty", REASONS["empty"])
TOO_DEEP = Fault("syntax", f"nested deeper than {MAX_DEPTH} levels")
_ABSENT = (b"", b"null")
_KINDS = {
    b'"': "text",
    b"[": "a list",
    b"{": "an object",
    b"t": "true",
    b"f": "false",
    b"n": "null",
}
_Parts = msgspec.defstruct("Parts", [(f.name, msgspec.Raw, ABSENT) for f in FIELDS])
_parts_of = msgspec.json.Decoder(_Parts).decode
_text_of = msgspec.json.Decoder(msgspec.Raw).decode
_value_of = {f.name: msgspec.json.Decoder(f.type).decode for f in FIELDS}


def diagnose(payload: bytes, rules: Rules) -> Fault:
    """Returns the fault of a payload that could not be taken as an event by these rules."""
    return no_object(payload) or _fields(payload, rules.required)


def no_object(payload: bytes) -> Fault | None:
    """Returns why a payload is no JSON object, the same for every source of JSON; else None."""
    return _syntax(payload) or _shape(payload)


def _syntax(payload: bytes) -> Fault | None:
    try:
        payload.decode()
        if too_deep(payload):
            return TOO_DEEP
        _text_of(payload)
    except UnicodeDecodeError as error:
        return Fault("syntax", f"not UTF-8: {error.reason} (byte {error.start})")
    except RecursionError:
        return TOO_DEEP
    except msgspec.DecodeError as error:
        return Fault("syntax", f"not JSON: {_plain(error)}" if payload else "zero bytes")
    return None


def _shape(payload: bytes) -> Fault | None:
    kind = _kind(payload)
    return None if kind == "an object" else Fault("not_an_object", f"{kind}, not an object")


def _fields(payload: bytes, required: Sequence[str]) -> Fault:
    """The fault of a field that must be there; what else does not fit is none."""
    parts = _parts_of(payload)
    values = [(f, bytes(getattr(parts, f.name))) for f in FIELDS if f.name in required]
    missing = [f.name for f, value in values if value in _ABSENT]
    if missing:
        return Fault("missing_field", f"absent or null: {', '.join(missing)}")
    faults = (_misfit(f, value) for f, value in values)
    return next(filter(None, faults), Fault("syntax", REASONS["syntax"]))


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
    """Says what a field held; its value is in the text only if it is a short number."""
    kind = _kind(value)
    if kind == "a number" and len(value) <= _LONGEST_NUMBER:
        return value.decode()
    return "empty text" if value == b'""' else kind


def _kind(value: bytes) -> str:
    return _KINDS.get(value.lstrip()[:1], "a number")
