"""A small request that would become large in memory is refused before it does."""

from __future__ import annotations

import sys

import pytest
from support.converting_child import convert, converted

from gateway.batch import MOST_BYTES, Batch
from gateway.requests import Refused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is told by Linux")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "body", "count"),
    [
        ("JSON", "a resource", 50_000),
        ("JSON", "objects of OTLP", 1_000_000),
        ("protobuf", "protobuf", 1_000_000),
        ("json", "blank lines", 4_000_000),
        ("json", "lines", 1_000_000),
        ("json", "an array", 1_000_000),
        ("bulk", "deletes", 200_000),
        ("bulk", "updates", 200_000),
    ],
)
def test_what_would_be_large_is_refused(protocol: str, body: str, count: int) -> None:
    """A few megabytes of tiny records, or of attributes that each record repeats."""
    found = converted(protocol, body, count)
    assert found.status == 413
    assert found.held < 64


def test_a_resource_that_is_too_long_is_not_read() -> None:
    """Millions of attributes of nothing: its record is refused alone."""
    found = converted("JSON", "attributes", 2_000_000)
    assert (found.status, found.records) == (200, 1)
    assert found.held < 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        ("JSON", "objects of OTLP"),
        ("protobuf", "protobuf"),
        ("logfmt", "logfmt"),
        ("bulk", "documents"),
    ],
)
def test_a_small_message_takes_little(protocol: str, body: str) -> None:
    """Sixty thousand of them some bytes each, not a buffer of kilobytes."""
    found = converted(protocol, body, 60_000)
    assert (found.status, found.records) == (200, 60_000)
    assert found.held < 64


@pytest.mark.parametrize("protocol", ["json", "logfmt", "bulk", "JSON", "protobuf"])
def test_a_record_that_is_too_long_is_not_held(protocol: str) -> None:
    """It is refused alone, by its number, and has no message."""
    long = b"x" * (MOST_BYTES + 5_000_000)
    bodies = {
        "json": b'{"message":"%b"}\n{}' % long,
        "logfmt": b"message=%b\na=1" % long,
        "bulk": b'{"create":{}}\n{"message":"%b"}\n{"create":{}}\n{}' % long,
        "JSON": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"%b"},{}]}]}]}' % long,
        "protobuf": _record(long),
    }
    batch = Batch(24 << 20)
    convert(protocol, bodies[protocol], batch)
    assert (batch.records, [*batch.refused], len(batch.messages)) == (2, [0], 1)


def _record(body: bytes) -> bytes:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add().event_name = body.decode()
    records.add()
    return bytes(request.SerializeToString())


def test_all_records_of_a_request_share_its_bounds() -> None:
    """In number and in bytes; the error names both."""
    batch = Batch(3000)
    for _ in range(3):
        batch.add(b"x" * 600)
    with pytest.raises(Refused) as caught:
        batch.add(b"x" * 600)
    assert caught.value.refusal.status == 413
    assert "may bring 10 records" in caught.value.refusal.what
