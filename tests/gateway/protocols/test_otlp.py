"""OTLP over HTTP: what the specification asks of a server, and OpenTelemetry's own exporter."""

from __future__ import annotations

import gzip
import logging

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from support.records import attributes, otlp
from support.sending import Door, events, protobuf

from gateway.batch import MOST_BYTES

JSON, PROTOBUF = "application/json", "application/x-protobuf"
RECORD = {
    "timeUnixNano": "1777636770250000000",
    "severityNumber": 17,
    "severityText": "ERROR",
    "body": {"stringValue": "payment failed"},
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "attributes": [{"key": "order.id", "value": {"intValue": "42"}}],
}


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_exporter_of_opentelemetry_sends(door: Door, compression: Compression) -> None:
    """A line of Python's logging is an event, with service, level, message and stack trace."""
    provider = LoggerProvider(Resource.create({"service.name": "cart"}))
    exporter = OTLPLogExporter(f"{door.at}/v1/logs", compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.getLogger("shop.cart")
    logger.addHandler(handler := LoggingHandler(logger_provider=provider))
    try:
        raise ValueError("no stock")
    except ValueError:
        logger.exception("cannot add %s", "a book")
    provider.shutdown()
    logger.removeHandler(handler)
    (event,) = events(door.sent())
    assert (event["service"], event["message"]) == ("cart", "cannot add a book")
    assert (event["logger"], event["level"]) == ("shop.cart", "ERROR")
    assert "ValueError: no stock" in event["exception"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_both_encodings_give_the_same_event(door: Door, kind: str, packed: bool) -> None:
    """As they are or packed; the answer is of the request's content type."""
    body = otlp(RECORD, service_name="cart", host_name="h1")
    if kind == PROTOBUF:
        body = protobuf(body)
    headers = {"content_type": kind} | ({"content_encoding": "gzip"} if packed else {})
    found = door.post("/v1/logs", gzip.compress(body) if packed else body, **headers)
    assert (found.status_code, found.headers["content-type"]) == (200, kind)
    assert found.content == (b"{}" if kind == JSON else b"")
    assert door.messages() == [
        {
            "timestamp": "2026-05-01T11:59:30.250000000Z",
            "service": "cart",
            "host": "h1",
            "logger": "tests",
            "level": "ERROR",
            "severity_number": 17,
            "message": "payment failed",
            "trace_id": "5b8efff798038103d269b633813fc60c",
            "span_id": "eee19b7ec3c1b174",
            "order.id": 42,
        }
    ]


def test_each_record_is_a_message(door: Door) -> None:
    """A thousand records of a request have coordinates of their own."""
    records = [{**RECORD, "body": {"stringValue": f"line {n}"}} for n in range(1000)]
    assert door.post("/v1/logs", otlp(*records), content_type=JSON).status_code == 200
    assert {one["message"] for one in door.messages()} == {f"line {n}" for n in range(1000)}


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_a_record_that_is_too_long_is_refused_alone(door: Door, kind: str) -> None:
    """The answer is a partial success with its number; the others are taken."""
    long = {**RECORD, "body": {"stringValue": "x" * MOST_BYTES}}
    body = otlp(RECORD, long, RECORD)
    if kind == PROTOBUF:
        body = protobuf(body)
    found = door.post("/v1/logs", body, content_type=kind)
    assert found.status_code == 200
    if kind == JSON:
        part = found.json()["partialSuccess"]
        count, why = int(part["rejectedLogRecords"]), part["errorMessage"]
    else:
        answer = ExportLogsServiceResponse.FromString(found.content).partial_success
        count, why = answer.rejected_log_records, answer.error_message
    assert (count, "record 1" in why) == (1, True)
    assert len(door.sent()) == 2


# Without the time of packing, which would name this case otherwise in each process.
CUT = gzip.compress(b"{}", mtime=0)[:-9]


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b"{", {"content_type": JSON}),
        (400, b"[1]", {"content_type": JSON}),
        (400, b'{"resourceLogs": 5}', {"content_type": JSON}),
        (400, b"\xff\xff\xff", {"content_type": PROTOBUF}),
        (400, b"no gzip", {"content_type": PROTOBUF, "content_encoding": "gzip"}),
        (400, CUT, {"content_type": JSON, "content_encoding": "gzip"}),
        (413, b"x" * (11 << 20), {"content_type": PROTOBUF}),
        (413, gzip.compress(b"x" * (17 << 20)), {"content_type": JSON, "content_encoding": "gzip"}),
        (415, b"{}", {"content_type": "text/plain"}),
        (415, b"{}", {}),
        (415, b"{}", {"content_type": JSON, "content_encoding": "br"}),
    ],
)
def test_what_is_no_request_is_refused(
    door: Door, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """By the status that the specification names, with a Status for its reason."""
    found = door.post("/v1/logs", body, **headers)
    assert found.status_code == status
    if headers.get("content_type") == PROTOBUF:
        assert Status.FromString(found.content).message
    else:
        assert found.json()["message"]
    assert door.sent() == []
    assert door.budget.held == 0


def test_an_empty_request_succeeds(door: Door) -> None:
    """As the specification says; a path or method of nothing has an answer in words too."""
    assert door.post("/v1/logs", b"", content_type=PROTOBUF).status_code == 200
    for empty in (b"{}", b" { } ", b'{"resourceLogs": []}', b'{"resourceLogs": null}'):
        assert door.post("/v1/logs", empty, content_type=JSON).content == b"{}"
    assert door.post("/v1/logs", b'{"resource_logs": []}', content_type=JSON).status_code == 400
    wrong = httpx.get(f"{door.at}/v1/logs")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert door.post("/v1/traces", b"", content_type=PROTOBUF).status_code == 404


def test_a_request_that_is_named_is_the_same_at_a_retry(door: Door) -> None:
    """By the uid of each record, or by the key of the request; without either none is made."""
    named = {**RECORD, "attributes": attributes({"log.record.uid": "u-1"})}
    for _ in range(2):
        door.post("/v1/logs", otlp(named, RECORD), content_type=JSON, idempotency_key="k-1")
    door.post("/v1/logs", otlp(RECORD), content_type=JSON)
    ids = [one.get("event_id") for one in door.messages()]
    assert ids.count("u-1") == 2
    assert ids.count(None) == 1
    assert len({*ids}) == 3


def test_nothing_is_lost_where_names_meet(door: Door) -> None:
    """An attribute that is named as a field of the record, the scope or the resource stays."""
    record = {**RECORD, "attributes": attributes({"message": "m", "env": "own", "level": "loud"})}
    assert door.post("/v1/logs", otlp(record, env="outer"), content_type=JSON).status_code == 200
    (found,) = door.messages()
    assert (found["message"], found["attributes.message"]) == ("payment failed", "m")
    assert (found["level"], found["attributes.level"]) == ("ERROR", "loud")
    assert (found["env"], found["scope.env"]) == ("own", "outer")


def test_values_of_every_kind_are_kept(door: Door) -> None:
    """Lists, maps, bytes, numbers that are none; a body that is no text is JSON."""
    listed = {"arrayValue": {"values": [{"intValue": 1}, {"boolValue": True}]}}
    kinds = [
        {"key": "list", "value": listed},
        {"key": "map", "value": {"kvlistValue": {"values": attributes({"a": "b"})}}},
        {"key": "bytes", "value": {"bytesValue": "AAE="}},
        {"key": "none", "value": {"doubleValue": "NaN"}},
        {"key": "http.server.request.duration", "value": {"doubleValue": 0.25}},
    ]
    body = {"kvlistValue": {"values": attributes({"event": "paid"})}}
    door.post("/v1/logs", otlp({"attributes": kinds, "body": body}), content_type=JSON)
    (found,) = door.messages()
    assert (found["list"], found["map"]) == ([1, True], {"a": "b"})
    assert (found["bytes"], found["none"], found["response_time"]) == ("AAE=", "nan", 250.0)
    assert found["message"] == '{"event":"paid"}'
    assert (found["service"], "timestamp" in found) == ("unknown_service", False)


def test_a_deep_value_is_no_way_to_end_it(door: Door) -> None:
    """A thousand lists within each other are refused or cut, in both encodings."""
    request = ExportLogsServiceRequest()
    value = request.resource_logs.add().scope_logs.add().log_records.add().body
    for _ in range(40):
        value = value.array_value.values.add()
    assert door.post("/v1/logs", request.SerializeToString(), content_type=PROTOBUF).is_success
    deep = b'{"arrayValue":{"values":[' * 1000 + b"]}}" * 1000
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":%b}]}]}]}' % deep
    assert door.post("/v1/logs", body, content_type=JSON).status_code == 400
    assert door.post("/v1/logs", otlp(RECORD), content_type=JSON).status_code == 200
