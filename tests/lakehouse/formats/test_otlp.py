"""Requests of OTLP logs: several events each, alike in JSON and in protobuf."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading

OTLP = Reading(format="otlp")
OTLP_OR_RAW = {"formats": ["otlp", "raw"]}
NANOS = 1779012303500000000


def request(count: int, service: str = "cart") -> bytes:
    """A request of so many records, as an exporter sends it."""
    shared = KeyValue(key="service.name", value=AnyValue(string_value=service))
    status = KeyValue(key="http.response.status_code", value=AnyValue(int_value=503))
    records = [
        LogRecord(
            time_unix_nano=NANOS,
            severity_number=17,
            body=AnyValue(string_value=f"failed {n}"),
            attributes=[status],
            trace_id=bytes(15) + b"\x01",
        )
        for n in range(count)
    ]
    of_resource = ResourceLogs(
        resource=Resource(attributes=[shared]), scope_logs=[ScopeLogs(log_records=records)]
    )
    return bytes(ExportLogsServiceRequest(resource_logs=[of_resource]).SerializeToString())


def test_each_record_of_a_request_is_a_message() -> None:
    """With its row and its number in it; fields by OpenTelemetry's names are fields."""
    found = messages([request(2), request(1)], OTLP)
    assert (found.rows, found.items, found.faults) == ([0, 0, 1], [0, 1, 0], {})
    assert json.loads(found.payloads[1] or b"") == {
        "service": "cart",
        "status_code": 503,
        "timestamp": "2026-05-17T10:05:03.500000000Z",
        "severity_number": 17,
        "message": "failed 1",
        "trace_id": "00000000000000000000000000000001",
    }


@pytest.mark.parametrize("record", [b"\xff\xff", b"{}", b'{"resourceLogs": [1]}', b"oops"])
def test_what_is_no_request_is_a_fault(record: bytes) -> None:
    """And costs no other row."""
    found = messages([record, request(1)], OTLP)
    assert (found.rows, [*found.faults]) == ([1], [0])
    assert found.faults[0].reason == "bad_format"


def test_a_duration_is_in_seconds() -> None:
    """OpenTelemetry's is; an event's is in milliseconds. Numbers in text are numbers."""
    pairs = [
        {"key": "http.server.request.duration", "value": {"doubleValue": 0.25}},
        {"key": "http.status_code", "value": {"stringValue": "200"}},
    ]
    record = {"timeUnixNano": str(NANOS), "attributes": pairs}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    (payload,) = messages([json.dumps(body).encode()], OTLP).payloads
    found = json.loads(payload or b"")
    assert (found["response_time"], found["status_code"]) == (250, 200)


@pytest.mark.parametrize("count", [1, 20, 2000])
def test_what_exporters_send_is_within_the_budget(count: int) -> None:
    """Thirty attributes of Kubernetes for short lines, in requests of any size."""
    found = messages([request(count, "x" * 2500)], OTLP)
    assert len(found.payloads) == count


def test_a_request_without_records_is_a_fault() -> None:
    """It would be in no table, and its offset a gap."""
    found = messages([b'{"resourceLogs": []}'], OTLP)
    assert [*found.faults] == [0]


@pytest.mark.parametrize("reading", [OTLP, Reading(format="mixed", options=OTLP_OR_RAW)])
@pytest.mark.parametrize(("size", "count"), [(500_000, 1000), (5_000, 2_500)])
def test_what_each_event_repeats_is_bounded(size: int, count: int, reading: Reading) -> None:
    """A record of a megabyte of resource and of empty records is one reject, not gigabytes; so is
    each of a hundred records of a hundredth of that."""
    long = KeyValue(key="k", value=AnyValue(string_value="x" * size))
    scopes = [ScopeLogs(log_records=[LogRecord()] * count)]
    of_resource = ResourceLogs(resource=Resource(attributes=[long]), scope_logs=scopes)
    body = ExportLogsServiceRequest(resource_logs=[of_resource]).SerializeToString()
    found = messages([body, request(1)], reading)
    assert (found.rows, found.faults[0].reason) == ([1], "over_budget")


def test_no_attribute_is_lost() -> None:
    """Of one name twice, with an empty name, that no number says, and within lists and maps."""

    def text(key: str, value: str) -> KeyValue:
        return KeyValue(key=key, value=AnyValue(string_value=value))

    inner = KeyValueList(values=[text("a", "1"), text("a", "2"), text("", "3")])
    attributes = [
        *(text("a", "4"), text("a", "5"), text("", "6"), text("service.name", "7")),
        *(text("service", "8"), text("a#2", "9")),
        KeyValue(key="m", value=AnyValue(kvlist_value=inner)),
        KeyValue(key="http.server.request.duration", value=AnyValue(double_value=1e308)),
        KeyValue(key="bytes_sent", value=AnyValue(double_value=float("inf"))),
    ]
    record = LogRecord(time_unix_nano=NANOS, attributes=attributes)
    own = [text("a", "0"), text("service.name", "s")]
    resource = Resource(attributes=own, dropped_attributes_count=2)
    scope = InstrumentationScope(dropped_attributes_count=3)
    scopes = [ScopeLogs(scope=scope, log_records=[record])]
    sent = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource, scope_logs=scopes)]
    )

    found = json.loads(messages([sent.SerializeToString()], OTLP).payloads[0] or b"")

    del found["timestamp"]
    assert found == {
        "a": "4",
        "a#2": "5",
        "a#2#2": "9",
        "scope.a": "0",
        "": "6",
        "service": "7",
        "service#2": "8",
        "scope.service": "s",
        "m": {"a": "1", "a#2": "2", "": "3"},
        "response_time": "1e+308",
        "bytes_sent": "inf",
        "resource.dropped_attributes_count": 2,
        "scope.dropped_attributes_count": 3,
    }
