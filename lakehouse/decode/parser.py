"""Payloads to events, record by record, and to faults by row."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.fault import Fault, diagnose
from lakehouse.decode.nesting import MAX_SHALLOW_BYTES, too_deep
from lakehouse.decode.wire import EVENT, FIELDS
from lakehouse.event.fields import LogEvent
from lakehouse.event.schema import arrow_fields

_event_of = msgspec.json.Decoder(EVENT).decode
_TYPES = [f.type for f in arrow_fields(LogEvent)]


class _Refused(Exception):
    """Refused without a look at the JSON."""


def parse(values: pa.BinaryArray) -> tuple[list[Any], dict[int, Fault]]:
    """The events in their order, and the fault of each row that is none."""
    event_of = _event_of if _is_plain(values) else _careful_event_of
    events: list[Any] = []
    faults: dict[int, Fault] = {}
    for row, payload in enumerate(values.to_pylist()):
        try:
            events.append(event_of(payload))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Refused):
            faults[row] = diagnose(payload)
    return events, faults


def columns(events: list[Any]) -> list[pa.Array]:
    """The columns of `LogEvent`, one array a field."""
    rows = map(msgspec.structs.astuple, events)
    by_field = zip(*rows, strict=True) if events else ((),) * len(FIELDS)
    return [pa.array(values, kind) for values, kind in zip(by_field, _TYPES, strict=True)]


def _is_plain(values: pa.BinaryArray) -> bool:
    """Whether the parser alone judges right: no NULL, all UTF-8, none large enough to be deep.

    The parser does not look at the UTF-8 of strings that it skips.
    """
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    return values.null_count == 0 and longest <= MAX_SHALLOW_BYTES and _is_utf8(values)


def _is_utf8(values: pa.BinaryArray) -> bool:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _careful_event_of(payload: bytes | None) -> Any:
    if payload is None or too_deep(payload):
        raise _Refused
    payload.decode()
    return _event_of(payload)
