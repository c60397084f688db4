"""Whatever is sent: each protocol takes it, or refuses it in words of its own."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from support.converting_child import convert
from support.records import otlp
from support.sending import protobuf

from gateway.batch import Batch
from gateway.memory import Budget, Share
from gateway.requests import CODINGS, Refused, unpack
from lakehouse.formats.objects.otlp_request import PROTOBUF
from lakehouse.formats.otlp_events import events

pytestmark = pytest.mark.slow

PROTOCOLS = ("JSON", "protobuf", "bulk", "json", "logfmt", "app", "access-log", "otlp", "csv")
PIECES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\\", b"null", b"0", b"\xff", b"\x00"),
        *(b'"_id"', b'"_index"', b'{"index":{}}\n', b'{"create":{"_id":', b'{"delete":{}}\n'),
        *(b'"resourceLogs":[', b'"scopeLogs":[', b'"logRecords":[', b'"resource":{', b'"traceId"'),
        *(
            b"\x0a\x04",
            b"\x12\x02",
            b"\x12\x00",
            b"\x80",
            b"\x1b",
            b"level=info ",
            b"\tat a.b(C)\n",
        ),
    ]
)
WHOLE = {
    "bulk": b'{"create":{"_index":"a","_id":"7"}}\n{"message":"m"}\n{"delete":{"_id":0}}\n',
    "JSON": otlp({"traceId": "5b8e", "body": {"stringValue": "m"}}, service_name="cart"),
    "protobuf": protobuf(otlp({"body": {"stringValue": "m"}}, service_name="cart")),
    "otlp": otlp({"body": {"stringValue": "m"}}),
    "json": b'[{"service":"a","event_id":null},\n{"n":1}]',
    "access-log": b'203.0.113.7 - - [01/May/2026:11:59:30 +0000] "GET / HTTP/1.1" 200 5 "-" "c"',
    "app": b"2026-05-01 11:59:30,250 ERROR [main] a.B - m\n\tat a.B.c(B.java:1)\n",
    "logfmt": b'level=info msg="a \\"b" n=1',
    "csv": b'a,"b\nc",d\n',
}
BODIES = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map(b"".join))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(body=BODIES)
def test_any_body_is_taken_or_refused(protocol: str, body: bytes) -> None:
    """No other error leaves the conversion; what is taken is JSON or the very bytes that came."""
    batch = Batch(1 << 20)
    with suppress(Refused):
        convert(protocol, body, batch)
    assert len(batch.messages) + len(batch.refused) == batch.records


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2), st.one_of(PIECES, st.binary()))))
def test_any_edit_of_a_body_is_taken_or_refused(
    protocol: str, edits: list[tuple[int, int, bytes]]
) -> None:
    """Bytes put in, exchanged or left out anywhere."""
    batch, body = Batch(1 << 20), bytearray(WHOLE[protocol])
    for at, size, written in edits:
        place = at % (len(body) + 1)
        body[place : place + size] = written
    with suppress(Refused):
        convert(protocol, bytes(body), batch)
    assert len(batch.messages) + len(batch.refused) == batch.records


@given(body=BODIES, coding=st.sampled_from(sorted(CODINGS)))
def test_any_packed_body_is_unpacked_or_refused(body: bytes, coding: str) -> None:
    """By each coding that is known."""
    with suppress(Refused):
        unpack(body, CODINGS[coding], 1 << 20, Share(Budget(4 << 20)))
    packed = zlib.compressobj(wbits=CODINGS[coding])
    whole = packed.compress(body) + packed.flush()
    assert unpack(whole, CODINGS[coding], 1 << 20, Share(Budget(4 << 20))) == body


@given(
    st.lists(
        st.tuples(
            st.dictionaries(TEXTS, TEXTS, max_size=3),
            st.lists(st.lists(st.tuples(TEXTS, st.integers(0, 2**63)), max_size=3), max_size=3),
        ),
        max_size=3,
    )
)
def test_records_are_those_that_protobuf_reads(resources: list[Any]) -> None:
    """In their order, each once, whatever stands around them."""
    request = ExportLogsServiceRequest()
    for named, scopes in resources:
        resource = request.resource_logs.add(schema_url="around")
        for key, value in named.items():
            resource.resource.attributes.add(key=key).value.string_value = value
        for records in scopes:
            scope = resource.scope_logs.add(schema_url="around")
            for text, nanos in records:
                record = scope.log_records.add(time_unix_nano=nanos)
                record.body.string_value = text
    found = [one["message"] for one in events(request.SerializeToString(), PROTOBUF) if one]
    assert found == [text for _, scopes in resources for records in scopes for text, _ in records]


def test_a_resource_may_stand_after_its_records_and_in_parts() -> None:
    """As protobuf allows: the parts of a message are one message."""
    first, second = ExportLogsServiceRequest(), ExportLogsServiceRequest()
    first.resource_logs.add().resource.attributes.add(key="a").value.int_value = 1
    second.resource_logs.add().resource.attributes.add(key="b").value.int_value = 2
    parts = [one.resource_logs[0].SerializeToString() for one in (first, second)]
    body = b"\x12\x02\x12\x00" + parts[0] + parts[1]
    whole = b"\x0a" + bytes([len(body)]) + body
    assert [*events(whole, PROTOBUF)] == [{"a": 1, "b": 2}]
