"""Lines as programs write them, with the parts that each of them has of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support.reading_files import of_lines
from support.records import LIMITS, raw

from lakehouse.decode import decode
from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.records import records

AT = "2026-05-17T10:05:0"


def read(lines: list[str], **more: Any) -> tuple[str, list[dict[str, Any]]]:
    """The format that lines are recognised as, and the messages of their records."""
    some = [line.encode() for line in lines]
    found = recognise(sample_of(b"\n".join(some)))
    assert found is not None
    proposal = found.proposal
    reading = Reading(
        format=found.format.name,
        options=dict(proposal.options),
        mapping=dict(proposal.mapping),
        units=dict(proposal.units),
        **more,
    )
    whole = [record.original for record in records(some, reading)]
    return found.format.name, [json.loads(one or b"") for one in messages(whole, reading).payloads]


def row(record: str, form: str, **options: str) -> dict[str, Any]:
    """The row of a record."""
    reading = Reading(format=form, options=options, default_service="s", zone="UTC")
    taken = raw([record.encode()], datetime(2026, 11, 29, tzinfo=UTC))
    (found,) = decode(taken, LIMITS, {"web-logs": reading}).events.to_pylist()
    return dict(found)


def test_parts_of_a_line_are_one_record_in_cri() -> None:
    """`P` goes on in the next line, `F` ends it; its time is that of the first part."""
    lines = [
        f"{AT}1.5Z stdout P one ",
        f"{AT}2.5Z stdout P two ",
        f"{AT}3.5Z stdout F three",
        f"{AT}4.5Z stderr F",
        f"{AT}5.5Z stdout P cut off",
    ]

    form, found = read(lines)

    assert form == "cri"
    assert [(one["message"], one["stream"], one["timestamp"][18:]) for one in found] == [
        ("one two three", "stdout", "1.5Z"),
        ("", "stderr", "4.5Z"),
        ("cut off", "stdout", "5.5Z"),
    ]


def test_parts_of_a_line_are_one_record_in_docker() -> None:
    """A part has no line's end; attributes are keys beside those of the line."""

    def line(text: str, second: int) -> str:
        attrs = {"tag": "a", "stream": "b"}
        of = {"log": text, "stream": "stdout", "time": f"{AT}{second}Z", "attrs": attrs}
        return json.dumps(of)

    form, found = read([line('{"a": "x', 1), line(' y"}\n', 2), line("z\r\n", 3), line("end", 4)])

    assert form == "docker"
    assert [(one["message"], one["timestamp"]) for one in found] == [
        ('{"a": "x y"}', f"{AT}1Z"),
        ("z", f"{AT}3Z"),
        ("end", f"{AT}4Z"),
    ]
    assert {(one["tag"], one["attrs.stream"], one["stream"]) for one in found} == {
        ("a", "b", "stdout")
    }


def test_streams_that_are_mixed_are_not_joined() -> None:
    """A part goes on with a line of its own stream, else it is a record by itself."""
    lines = [f"{AT}1.5Z stdout P one ", f"{AT}2.5Z stderr F other", f"{AT}3.5Z stdout F two"]

    _, found = read(lines)

    assert [(one["stream"], one["message"]) for one in found] == [
        ("stdout", "one "),
        ("stderr", "other"),
        ("stdout", "two"),
    ]


def test_lines_of_several_containers_are_not_joined() -> None:
    """A stack trace goes on with lines of its own container."""
    app = f"{AT}1Z INFO a: b"
    lines = [f"a-1  | {app}", "a-1  |   at a.B(C.java:1)", "b-1  |   at x", f"b-1  | {app}"]

    form, found = read(lines)

    assert form == "compose"
    assert [(one["container"], one["message"]) for one in found] == [
        ("a-1", "b"),
        ("b-1", "  at x"),
        ("b-1", "b"),
    ]
    assert found[0]["exception"] == "  at a.B(C.java:1)"


CADDY = (
    '{"level":"info","ts":1779012303.25,"logger":"http.log.access","msg":"handled request",'
    '"request":{"remote_ip":"192.0.2.7","remote_port":"5","client_ip":"192.0.2.8","proto":"HTTP/2.0",'
    '"method":"GET","host":"a.example","uri":"/a/1?x=1","headers":{"User-Agent":["curl/8"],'
    '"Accept":["a","b"]},"tls":{"resumed":false}},"bytes_read":0,"user_id":"","duration":0.0125,'
    '"size":512,"status":200,"resp_headers":{"Server":["Caddy"]}}'
)


def test_a_line_of_caddy() -> None:
    """Its seconds are ms, its lists are JSON, and of two addresses the client's is the one."""
    found = row(CADDY, "caddy")

    assert (found["ip"], found["method"], found["path"], found["status_code"]) == (
        "192.0.2.8",
        "GET",
        "/a/1?x=1",
        200,
    )
    assert (found["response_time"], found["bytes_sent"], found["user_agent"]) == (
        12.5,
        512,
        "curl/8",
    )
    assert found["timestamp"] == datetime(2026, 5, 17, 10, 5, 3, 250_000, UTC)
    assert dict(found["attributes"]) == {
        "bytes_read": "0",
        "request.headers.Accept": '["a","b"]',
        "request.host": "a.example",
        "request.proto": "HTTP/2.0",
        "request.remote_ip": "192.0.2.7",
        "request.remote_port": "5",
        "request.tls.resumed": "false",
        "resp_headers.Server": '["Caddy"]',
    }


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ('"failed"', "failed"),
        ("[102,97,105,108,255,10]", "fail\\xff\n"),
        ("null", None),
        ('["a","b"]', '["a","b"]'),
    ],
)
def test_a_line_of_the_journal(message: str, text: str | None) -> None:
    """A value that is no UTF-8 is a list of bytes, one that is too large null, several a list."""
    found = row(
        f'{{"__REALTIME_TIMESTAMP":"1779012303250001","MESSAGE":{message},"PRIORITY":"3",'
        '"_HOSTNAME":"h","SYSLOG_IDENTIFIER":"sshd","_PID":"12","_CMDLINE":[115,104]}',
        "journald",
    )

    kept = dict(found["attributes"])
    text_of = found["message"] if text != '["a","b"]' else kept.pop("message")
    assert text_of == text
    assert (found["service"], found["host"], found["level"]) == ("sshd", "h", "ERROR")
    assert found["timestamp"] == datetime(2026, 5, 17, 10, 5, 3, 250_001, UTC)
    assert kept == {"_PID": "12", "_CMDLINE": "sh"}


def test_a_line_of_graylog() -> None:
    """Its level is syslog's; keys of its own begin with `_`."""
    found = row(
        '{"version":"1.1","host":"h","short_message":"no","full_message":"no\\n at a","level":4,'
        '"timestamp":1779012303.072,"_user_id":42,"_ratio":1.50,"_logger":"a.b"}',
        "gelf",
    )

    assert (found["message"], found["exception"], found["level"], found["severity_number"]) == (
        "no",
        "no\n at a",
        "WARN",
        13,
    )
    assert (found["host"], found["logger"]) == ("h", "a.b")
    assert found["timestamp"] == datetime(2026, 5, 17, 10, 5, 3, 72_000, UTC)
    assert dict(found["attributes"]) == {"_ratio": "1.50", "_user_id": "42", "version": "1.1"}


def test_a_line_of_logstash() -> None:
    """Of its encoder for logback, with the fields of a request beside it."""
    found = row(
        '{"@timestamp":"2026-05-17T12:05:03.25+02:00","@version":"1","message":"no","level":"ERROR",'
        '"logger_name":"a.B","thread_name":"main","level_value":40000,"stack_trace":"x\\n\\tat a",'
        '"host":{"name":"h"},"tags":["a"]}',
        "logstash",
    )

    assert (found["message"], found["level"], found["logger"]) == ("no", "ERROR", "a.B")
    assert (found["exception"], found["host"]) == ("x\n\tat a", "h")
    assert found["timestamp"] == datetime(2026, 5, 17, 10, 5, 3, 250_000, UTC)
    assert dict(found["attributes"]) == {
        "@version": "1",
        "level_value": "40000",
        "tags": '["a"]',
        "thread_name": "main",
    }


@pytest.mark.parametrize(
    ("line", "level", "number", "is_error"),
    [
        ("<10>May 17 10:05:03 h app: x", "ERROR", 18, True),
        ("<14>May 17 10:05:03 h app: x", "INFO", 9, False),
        ("<14>May 17 10:05:03 h app: 2026-05-17 10:05:02 ERROR a.b: x", "ERROR", 17, True),
        ("<11>May 17 10:05:03 h app: 2026-05-17 10:05:02 INFO a.b: x", "INFO", 9, False),
    ],
)
def test_a_line_of_syslog_is_as_severe_as_its_own_level(
    line: str, level: str, number: int, is_error: bool
) -> None:
    """The line within knows better than the priority around it, in words and in numbers."""
    found = row(line, "syslog", inner="app")

    assert (found["level"], found["severity_number"], found["is_error"]) == (
        level,
        number,
        is_error,
    )


IIS = [
    "#Software: Microsoft Internet Information Services 10.0",
    "#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip sc-status time-taken",
    "2026-05-17 10:05:03 GET /a x=1 192.0.2.7 200 250",
    "2026-05-17 10:05:04 GET /b - 192.0.2.7 404 5",
    "#Date: 2026-05-17 11:00:00",
    "#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes cs(User-Agent)",
    "2026-05-17 11:05:03 192.0.2.8 POST /c 500 77 Mozilla/5.0+(X11)",
    "2026-05-17 11:05:04 192.0.2.8 POST",
]


def test_the_columns_of_iis_change_within_a_file() -> None:
    """Each row has those of the header above it; a row of another width is refused."""
    found = recognise(sample_of("\n".join(IIS).encode()))
    assert found is not None
    how = Reading(format="w3c", options=dict(found.proposal.options))

    events, rejects = of_lines([f"{line}\r".encode() for line in IIS], how)

    columns = ("ip", "method", "path", "status_code", "response_time", "bytes_sent", "user_agent")
    assert [tuple(event[name] for name in columns) for event in events] == [
        ("192.0.2.7", "GET", "/a?x=1", 200, 250.0, None, None),
        ("192.0.2.7", "GET", "/b", 404, 5.0, None, None),
        ("192.0.2.8", "POST", "/c", 500, None, 77, "Mozilla/5.0 (X11)"),
    ]
    assert [(reject["reason"], reject["detail"]) for reject in rejects] == [
        (
            "bad_format",
            "line 8: no row of the fields that its header names: 4 values for 8 fields",
        )
    ]
