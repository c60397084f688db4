"""The fields that a query can name: the columns of `logs`, other names for them, attributes. Pure.

A column that is added to an event is a field at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

import pyarrow as pa

from lakehouse.tables.catalog import LOGS


class Kind(Enum):
    """How values of a field are written and compared; the value says what fits."""

    WORD = "write a text, a text with * in it, or * for any"
    TEXT = "write a text that is part of it, or * for any"
    NUMBER = "write a number, >500, >=500, 500..900, or * for any"
    STATUS = "write a code, 404, a class, 5xx, a range, >=500 or 500..503, or * for any"
    LENGTH = "write milliseconds or a unit: >500, >=1.5s, 100ms..2s, or * for any"
    LEVEL = "write a level, error, a range, >=warn, or * for any"
    FLAG = "write true or false, or * for any"
    TIME = "write >=2026-01-31T12:00:00Z, <2026-01-31, -10m..-5m, or * for any"
    ATTRIBUTE = "write a text, a text with * in it, a range of numbers, >500, or * for any"


@dataclass(frozen=True)
class Field:
    """A column of `logs`, or `key` of its attributes."""

    column: str
    kind: Kind
    key: str = ""

    @property
    def name(self) -> str:
        """As a query names it."""
        return f"{self.column}.{self.key}" if self.column == ATTRIBUTES else self.column


ATTRIBUTES = "attributes"
# Long texts, of which a query gives a part; the whole of any other is asked for.
LONG = ("message", "exception", "user_agent", "_misfits")
# Where a text without a field is looked for, and columns that it may be the whole of.
SEARCHED = ("message", "exception", "path", "endpoint", "user_agent", "ip", "user", "app")
NAMES = ("event_id", "trace_id", "span_id")
SPECIAL = {"status_code": Kind.STATUS, "response_time": Kind.LENGTH, "level": Kind.LEVEL}
OTHER_NAMES = {
    "status": "status_code",
    "code": "status_code",
    "duration": "response_time",
    "took": "response_time",
    "latency": "response_time",
    "time": "timestamp",
    "ts": "timestamp",
    "@timestamp": "timestamp",
    "bytes": "bytes_sent",
    "size": "bytes_sent",
    "agent": "user_agent",
    "env": "environment",
    "msg": "message",
    "body": "message",
    "severity": "level",
    "route": "endpoint",
    "url": "path",
    "hostname": "host",
    "address": "ip",
    "client_ip": "ip",
    "trace": "trace_id",
    "span": "span_id",
    "id": "event_id",
    "stacktrace": "exception",
    "error": "is_error",
    "bot": "is_bot",
    "source": "_source",
    "topic": "_topic",
    "partition": "_partition",
    "offset": "_offset",
}


def _kind(of: pa.Field) -> Kind | None:
    if of.name in SPECIAL:
        return SPECIAL[of.name]
    if pa.types.is_string(of.type) or pa.types.is_list(of.type):
        return Kind.TEXT if of.name in LONG else Kind.WORD
    if pa.types.is_boolean(of.type):
        return Kind.FLAG
    if pa.types.is_temporal(of.type):
        return Kind.TIME
    return Kind.NUMBER if pa.types.is_primitive(of.type) else None


FIELDS = {field.name: Field(field.name, kind) for field in LOGS.columns if (kind := _kind(field))}
LISTS = frozenset(field.name for field in LOGS.columns if pa.types.is_list(field.type))
DATES = frozenset(field.name for field in LOGS.columns if pa.types.is_date(field.type))
_BY_NAME = {
    **{other: FIELDS[name] for other, name in OTHER_NAMES.items() if name in FIELDS},
    **FIELDS,
}


def field(name: str) -> Field | None:
    """The field of a name, in whatever case; None where there is none.

    An attribute's key is as it is written, and may be empty.
    """
    head, dot, key = name.partition(".")
    if dot and head.lower() in (ATTRIBUTES, "attr"):
        return attribute(key)
    return _BY_NAME.get(name.lower())


def attribute(key: str) -> Field:
    """The field of a key of the attributes."""
    return Field(ATTRIBUTES, Kind.ATTRIBUTE, key)


def similar(name: str) -> str:
    """The field that a name may have meant; empty where it is like none."""
    near = get_close_matches(name.lower(), _BY_NAME, n=1, cutoff=0.7)
    return near[0] if near else ""


def has(column: str) -> bool:
    """Whether `logs` has a column."""
    return column in LOGS.columns.names
