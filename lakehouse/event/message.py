"""A log event as a message: compact JSON without the optional fields that are missing."""

from __future__ import annotations

import dataclasses
from datetime import UTC
from operator import attrgetter

import orjson

from lakehouse.event.fields import LogEvent

_NAMES = tuple(f.name for f in dataclasses.fields(LogEvent))
_values = attrgetter(*_NAMES)


def dump(event: LogEvent) -> bytes:
    """Returns the value of the Kafka record; its timestamp is RFC 3339 in UTC, with `Z`.

    Raises ValueError for a timestamp without a zone, which could mean any time.
    """
    fields = {
        name: value for name, value in zip(_NAMES, _values(event), strict=True) if value is not None
    }
    if event.timestamp.tzinfo is None:
        raise ValueError("a timestamp needs a zone")
    if event.timestamp.tzinfo is not UTC:
        fields["timestamp"] = event.timestamp.astimezone(UTC)
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)


def key(event: LogEvent) -> bytes:
    """The key of the Kafka record: the events of one address, or of one service, stay in order."""
    return (event.ip or event.service).encode()
