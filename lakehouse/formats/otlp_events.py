"""The log records of an OTLP request as fields of messages, for each door. Pure.

Attributes of the resource, the scope and the record are keys of the message; those that
OpenTelemetry names as it does a field of an event are that field. The record's own come before the
scope's, and these before the resource's; one that another hides is kept under a longer name.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from lakehouse.event.budgets import BUDGETS
from lakehouse.event.fields import LogEvent, column
from lakehouse.formats import values
from lakehouse.formats.format import Fields, with_more
from lakehouse.formats.objects.otlp_request import ERRORS, Encoding, OverBudget

FIELDS = {column(f).otel: f.name for f in dataclasses.fields(LogEvent) if column(f).otel} | {
    "deployment.environment": "environment",
    "enduser.id": "user",
    "http.method": "method",
    "http.status_code": "status_code",
    "http.target": "path",
    "client.ip": "ip",
    "exception.stacktrace": "exception",
    "host.name": "host",
    "service.name": "service",
}
# In seconds, where the event has milliseconds.
DURATION = "http.server.request.duration"
CONVERTERS = {f.name: values.converter(f.name) for f in dataclasses.fields(LogEvent)}
# What a record takes in memory beside its bytes.
A_RECORD = 200


def events(
    body: bytes, encoding: Encoding, most: int = BUDGETS.unfolded
) -> Iterator[Fields | None]:
    """The events of a request, in its order; None for a record that is longer, with its scope and
    resource, than any may be.

    Raises OverBudget where its records, each with its scope and resource, are together more than
    `most` bytes, and ValueError where it is no request of logs.
    """
    try:
        yield from _events(body, encoding, most)
    except OverBudget:
        raise
    except ERRORS as error:
        why = f"{type(error).__name__}: {str(error)[:200]}"
        raise ValueError(f"no ExportLogsServiceRequest in {encoding.name}: {why}") from None


def _events(body: bytes, encoding: Encoding, most: int) -> Iterator[Fields | None]:
    read, written, resource = encoding.read, b"", Fields()
    for part in encoding.parts(body):
        around: Fields | None = None
        for record in part.records:
            size = len(part.resource) + len(part.scope) + len(record)
            most -= A_RECORD + size
            if most < 0:
                raise OverBudget("its records, each with its scope and resource, are too large")
            if size > encoding.longest:
                yield None
                continue
            if around is None:
                if part.resource is not written:
                    written = part.resource
                    resource = _of_resource(read(written, Resource))
                around = _scoped(resource, read(part.scope, InstrumentationScope))
            yield _event(read(record, LogRecord), around)


def _of_resource(resource: Resource) -> Fields:
    count = resource.dropped_attributes_count
    more = [("resource.dropped_attributes_count", count)] if count else []
    return with_more(_attributes(resource.attributes), more)


def _scoped(resource: Fields, scope: Any) -> Fields:
    own = _attributes(scope.attributes)
    if scope.name:
        own["logger"] = scope.name
    if scope.version:
        own["scope.version"] = scope.version
    if scope.dropped_attributes_count:
        own["scope.dropped_attributes_count"] = scope.dropped_attributes_count
    return _over(own, resource, "resource.")


def _event(record: LogRecord, around: Fields) -> Fields:
    fields = _over(_attributes(record.attributes), around, "scope.") if record.attributes else None
    own = _own(record)
    return _over(own, around.copy() if fields is None else fields, "attributes.")


def _own(record: LogRecord) -> Fields:
    """What a record has beside its attributes."""
    happened, observed = record.time_unix_nano, record.observed_time_unix_nano
    own: Fields = {}
    if happened or observed:
        own["timestamp"] = _time(happened or observed)
    if happened and observed and happened != observed:
        own["observed_timestamp"] = _time(observed)
    if record.severity_number:
        own["severity_number"] = record.severity_number
    if record.severity_text:
        own["level"] = record.severity_text
    if record.HasField("body"):
        own["message"] = _text(record.body)
    if record.trace_id:
        own["trace_id"] = record.trace_id.hex()
    if record.span_id:
        own["span_id"] = record.span_id.hex()
    if record.event_name:
        own["event.name"] = record.event_name
    if record.flags:
        own["trace_flags"] = record.flags
    if record.dropped_attributes_count:
        own["dropped_attributes_count"] = record.dropped_attributes_count
    return own


def _over(own: Fields, others: Fields, aside: str) -> Fields:
    """Both together; what `own` hides is kept with a word before its name."""
    if others.keys().isdisjoint(own):
        return {**others, **own}
    both = own.keys() & others.keys()
    hidden = ((f"{aside}{name}", others[name]) for name in both if others[name] != own[name])
    return with_more({**others, **own}, hidden)


def _attributes(listed: Iterable[KeyValue]) -> Fields:
    found: Fields = {}
    return with_more(found, _named(listed, found))


def _named(listed: Iterable[KeyValue], found: Fields) -> Iterator[tuple[str, Any]]:
    """Each attribute with the name of its field, or its own where `found` has that already."""
    for one in listed:
        value = _value(one.value)
        if value is None:
            continue
        name = FIELDS.get(one.key, one.key)
        if one.key == DURATION and isinstance(value, int | float):
            value = value * 1000 if math.isfinite(value * 1000) else str(value)
        elif name in CONVERTERS and isinstance(value, str):
            value = CONVERTERS[name](value)
        elif name in CONVERTERS and not isinstance(value, int | float):
            value = orjson.dumps(value).decode()
        yield (one.key if name in found else name), value


def _value(value: AnyValue) -> Any:
    """What a value of any kind holds, as JSON can say it; numbers that are none are text.

    Protobuf reads no more than 100 messages within each other.
    """
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return with_more({}, ((one.key, _value(one.value)) for one in value.kvlist_value.values))
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind is None:
        return None
    found = getattr(value, kind)
    return found if kind != "double_value" or math.isfinite(found) else str(found)


def _text(value: AnyValue) -> Any:
    found = _value(value)
    return found if found is None or isinstance(found, str) else orjson.dumps(found).decode()


def _time(nanos: int) -> str:
    """A time in RFC 3339, of nanoseconds since 1970."""
    seconds, rest = divmod(nanos, 1_000_000_000)
    return f"{_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
