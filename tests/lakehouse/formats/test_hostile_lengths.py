"""A record that is made to be slow to read costs no more than its bytes: each is of a MiB."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from support.format_samples import ACCESS
from support.records import LIMITS, raw

from lakehouse.decode import decode
from lakehouse.event.budgets import MIB
from lakehouse.formats import otlp_events
from lakehouse.formats.objects.otlp_request import PROTOBUF
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.records import records

# So long that no slow machine needs it, and so short that a record read in n * n steps does.
pytestmark = [pytest.mark.timeout(30), pytest.mark.slow]
LINE = ACCESS.partition(" 330 ")[0]
NOW = datetime(2026, 11, 29, tzinfo=UTC)
TIME = "2026-05-17 10:05:03 "


def full(before: str, repeated: str, after: str = "") -> bytes:
    """A record of nearly a MiB."""
    count = (MIB - 1000 - len(before) - len(after)) // len(repeated.encode())
    return f"{before}{repeated * count}{after}".encode()


RECORDS = {
    "the times of an ingress": ("access-log", full(f"{LINE} 1 0.1 [a] b", " 1", " ?")),
    "the addresses of an ingress": ("access-log", full(f"{LINE} 1 0.1 [a] b", ", b", " 1 1 x!")),
    "quotes with marks after an agent": ("access-log", full(f'{LINE} a="', '\\" ', '" "x\\"')),
    "pairs after an agent": ("access-log", full(f'{LINE} {"a" * 50}="\\"', ' "\\"', '"')),
    "a head of brackets": ("access-log", full("[2026-05-17] " * 39, '\\"')),
    "digits of a duration": ("logfmt", full("duration=", "1", " a=b")),
    "durations": ("logfmt", full("duration=", "1s", "x a=b")),
    "quotes of logfmt": ("logfmt", full("", 'a="\\" ')),
    "a value of logfmt with a quote": ("logfmt", full("a=1 b=2 ", "a=", '"')),
    "pairs of one name": ("logfmt", full("", "a=1 ")),
    "blank lines": ("app", full(f"{TIME}INFO a: b\nx", "\n", "x")),
    "brackets of a trace": ("app", full(f"{TIME}INFO a: b\nat a", "(")),
    "a word of a trace": ("app", full(f"{TIME}INFO a: b\n", "a")),
    "marks after a time": ("app", full(TIME, ":")),
    "marks and blanks after a time": ("app", full(TIME, "-: |")),
    "words after a time": ("app", full(TIME, "a: ")),
    "brackets after a time": ("app", full(TIME, "[")),
    "data of syslog": ("syslog", full("<1>1 - h a 1 ID [a", "b", '="c"] hi')),
    "names of syslog": ("syslog", full('<1>1 - h a 1 ID [a b="c" ', "b", "] hi")),
    "quotes of syslog": ("syslog", full('<1>1 - h a 1 ID [a b="', '\\"', "] hi")),
    "parameters of one name": ("syslog", full("<1>1 - h a 1 ID [a", ' b="c"', "] hi")),
    "elements of syslog": ("syslog", full("<1>1 - h a 1 ID ", "[a]", "x")),
    "quotes of W3C": ("w3c", full('" ', '"" ')),
    "a path": (
        "access-log",
        f'{LINE.partition("/a/1")[0]}{"/1" * 300_000} HTTP/1.1" 200 5'.encode(),
    ),
    "a request": ("alb", full('http 2026-1Z a b c 1 1 1 200 200 1 1 "GET ', "a")),
    "nested dots": ("json", full('{"a', ".a", '": 1}')),
    "digits of a number": ("json", full('{"took": "', "1", 'x"}')),
    "digits of a port": ("json", full('{"ip": "', "1", '."}')),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_read_in_one_pass(name: str) -> None:
    """It gives a row or a reject."""
    form, record = RECORDS[name]
    mapping = {"duration": "response_time", "took": "response_time"}
    how = Reading(
        format=form,
        mapping=mapping if form in ("logfmt", "json") else {},
        options={"columns": ["a", "b"]} if form == "w3c" else {},
        default_service="s",
        zone="UTC",
    )

    found = decode(raw([record], NOW), LIMITS, {"web-logs": how})

    assert found.events.num_rows + found.rejects.num_rows == 1


@pytest.mark.slow
def test_attributes_of_one_name_are_read_in_one_pass() -> None:
    """Of a record, a scope and a resource of OTLP, at each door."""
    many = [KeyValue(key="a", value=AnyValue(bool_value=True))] * 100_000
    record = ScopeLogs(log_records=[LogRecord(attributes=many)])
    scope = ScopeLogs(scope=InstrumentationScope(attributes=many), log_records=[LogRecord()])
    for one in (
        ResourceLogs(scope_logs=[record]),
        ResourceLogs(scope_logs=[scope]),
        ResourceLogs(resource=Resource(attributes=many), scope_logs=[ScopeLogs(log_records=[{}])]),
    ):
        body = ExportLogsServiceRequest(resource_logs=[one]).SerializeToString()
        (event,) = otlp_events.events(body, PROTOBUF)
        assert event
        assert event["a#100000"] is True


FILES: dict[str, tuple[Reading, list[bytes]]] = {
    "quotes of JSON": (
        Reading(options={"layout": "texts"}),
        [full('{"a": "', '\\"'), full('"', '\\"'), b'"}'],
    ),
    "brackets of JSON": (Reading(options={"layout": "texts"}), [full("", "{"), full("", "[")]),
    "an open quote of CSV": (
        Reading(format="csv", options={"columns": ["a", "b"]}),
        [b'x,"y', *[b"z" * 1000] * 20_000],
    ),
    "open quotes of CSV": (
        Reading(format="csv", options={"columns": ["a", "b"]}),
        [b'x,"y', b'""x' * 300, *[b'x,""y'] * 3000],
    ),
    "long lines with an open quote": (
        Reading(format="csv", options={"columns": ["a"]}),
        [b'"y', *[b"z" * 16_000] * 1000],
    ),
    "a long escape": (
        Reading(format="csv", options={"columns": ["a"], "escape": "\\"}),
        [b'"y', *[b'\\"' * 100] * 5000],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_lines_are_cut_into_records_in_one_pass(name: str) -> None:
    """What is not closed is its first line alone, and no byte is lost or there twice."""
    how, lines = FILES[name]

    found = [record.original for record in records(lines, how)]

    assert b"\n".join(found) == b"\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_a_sample_is_recognised_in_one_pass(name: str) -> None:
    """Whatever is looked for in it."""
    _, record = RECORDS[name]

    assert recognise(sample_of(record[: MIB // 8])) is not None


READS = """
from datetime import UTC, datetime
from support.records import LIMITS, raw
from lakehouse.decode import decode
from lakehouse.formats import otlp_events
from lakehouse.formats.objects.otlp_request import PROTOBUF
from lakehouse.formats.reading import Reading
how = Reading(format="csv", options={"columns": ["message", "b"]}, default_service="s")
rows = raw([b"x" * 200_000 + b",y"], datetime(2026, 11, 29, tzinfo=UTC))
print(decode(rows, LIMITS, {"web-logs": how}).events.num_rows)
"""
RECOGNISES = """
from lakehouse.formats.recognise import recognise, sample_of
head = b"timestamp,message\\n" + b"2026-05-17T10:05:03Z," + b"x" * 200_000
print(recognise(sample_of(head)).format.name)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("program", "says"), [(READS, "1"), (RECOGNISES, "csv")])
def test_a_long_value_of_csv_is_one_whatever_was_read_before(program: str, says: str) -> None:
    """The limit of Python's reader, which is 128 KiB at first, is ours on each way in."""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == says
