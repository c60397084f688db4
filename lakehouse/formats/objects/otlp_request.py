"""The log records of an OTLP request, found one after another in its bytes. Pure.

No record is made before its turn, and one at a time: two bytes of a request can be a record of a
hundred bytes in memory.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lakehouse.formats.schemas.varint import varint

MOST_RECORDS = 100_000
# To find a record the fields around it are read, some of them twice.
MOST_FIELDS = 4 * MOST_RECORDS
ERRORS = (
    *(ParseError, DecodeError, msgspec.DecodeError),
    *(ValueError, TypeError, AttributeError, RecursionError),
)
T = TypeVar("T")
M = TypeVar("M", bound=Message)


class OverBudget(ValueError):
    """A request whose records are more, or together larger, than is taken at once."""


class Part(NamedTuple):
    """The records of one scope of one resource, as bytes; those of a resource are one object."""

    resource: bytes
    scope: bytes
    records: Iterable[bytes]


class Encoding(NamedTuple):
    """How requests are written: what finds their parts, and what reads a part's bytes.

    `longest` is how many bytes a record may have whose message is within the budget of a record.
    """

    name: str
    parts: Callable[[bytes], Iterator[Part]]
    read: Callable[[bytes, Any], Any]
    longest: int


# Protobuf: the types of fields on the wire, and the numbers of fields that hold records.
VARINT, BYTES, FIXED = 0, 2, {1: 8, 5: 4}
RESOURCE_LOGS = RESOURCE = SCOPE = 1
SCOPE_LOGS = LOG_RECORDS = 2


def _of_protobuf(body: bytes) -> Iterator[Part]:
    wire = _Wire(body)
    for start, end in wire.fields(0, len(body), RESOURCE_LOGS):
        resource = wire.message(start, end, RESOURCE)
        for first, last in wire.fields(start, end, SCOPE_LOGS):
            scope = wire.message(first, last, SCOPE)
            records = wire.fields(first, last, LOG_RECORDS)
            yield Part(resource, scope, (body[at:to] for at, to in records))


class _Wire:
    """A message as https://protobuf.dev/programming-guides/encoding has it, of bounded fields."""

    def __init__(self, body: bytes) -> None:
        self._body, self._left = body, MOST_FIELDS

    def message(self, at: int, end: int, number: int) -> bytes:
        """The message in a field; what is written in several parts is one message."""
        return b"".join(self._body[first:last] for first, last in self.fields(at, end, number))

    def fields(self, at: int, end: int, number: int) -> Iterator[tuple[int, int]]:
        """Where each value of the field with this number begins and ends."""
        body = self._body
        while at < end:
            tag, at = (body[at], at + 1) if body[at] < 0x80 else varint(body, at)
            kind, size = tag & 7, 0
            if kind == BYTES:
                size, at = varint(body, at)
            elif kind == VARINT:
                _, at = varint(body, at)
            elif not (size := FIXED.get(kind, 0)):
                raise ValueError(f"it has a field of the unknown type {kind}")
            self._left -= 1
            if self._left < 0:
                raise OverBudget("it has too many records")
            if at + size > end:
                raise ValueError("it breaks off")
            if kind == BYTES and tag >> 3 == number:
                yield at, at + size
            at += size


def _from_protobuf(written: bytes, kind: type[M]) -> M:
    found: M = kind()
    found.ParseFromString(written)
    return found


EMPTY = re.compile(rb'\s*\{\s*(?:"resourceLogs"\s*:\s*null\s*)?\}\s*')


class _Object(msgspec.Struct, gc=False):
    """Any object: nothing of it is kept."""


class _Scope(msgspec.Struct, Generic[T]):
    scope: msgspec.Raw = msgspec.Raw(b"{}")
    logRecords: list[T] | None = None


class _Resource(msgspec.Struct, Generic[T]):
    resource: msgspec.Raw = msgspec.Raw(b"{}")
    scopeLogs: list[_Scope[T]] | None = None


class _Request(msgspec.Struct, Generic[T]):
    resourceLogs: list[_Resource[T]] | None = None


_counts = msgspec.json.Decoder(_Request[_Object]).decode
_texts = msgspec.json.Decoder(_Request[msgspec.Raw]).decode


def _of_json(body: bytes) -> Iterator[Part]:
    # to count records makes an object of each; with values in them they are not as dense
    if body.count(b"{") > max(MOST_RECORDS, len(body) // 8):
        raise OverBudget("it has too many records")
    counts = _counts(body).resourceLogs
    if counts is None and not EMPTY.fullmatch(body):
        raise ValueError("it has no resourceLogs")
    scopes = [scope for one in counts or () for scope in one.scopeLogs or ()]
    if sum(len(scope.logRecords or ()) for scope in scopes) > MOST_RECORDS:
        raise OverBudget("it has too many records")
    del counts, scopes
    for of_resource in _texts(body).resourceLogs or ():
        resource = bytes(of_resource.resource)
        for of_scope in of_resource.scopeLogs or ():
            yield Part(resource, bytes(of_scope.scope), map(bytes, of_scope.logRecords or ()))


def _from_json(written: bytes, kind: type[M]) -> M:
    found = orjson.loads(written)
    found = {} if found is None else found
    if kind is LogRecord:
        _ids_as_protobuf(found)
    into: M = kind()
    ParseDict(found, into, ignore_unknown_fields=True)
    return into


def _ids_as_protobuf(record: dict[str, Any]) -> None:
    """Ids are hexadecimal in OTLP's JSON, and base64 in that of protobuf."""
    for key in ("traceId", "spanId"):
        if record.get(key):
            record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()


PROTOBUF = Encoding("protobuf", _of_protobuf, _from_protobuf, 1 << 20)
# Names of fields, and what is written as \\u0000, are longer in JSON than in a message.
JSON = Encoding("JSON", _of_json, _from_json, 2 << 20)
