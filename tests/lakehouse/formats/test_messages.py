"""Records as messages: what is taken as it is, what is mapped, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.formats.messages import messages
from lakehouse.formats.objects.texts import texts
from lakehouse.formats.reading import Reading

LINE = b'192.0.2.7 - - [17/May/2026:10:05:03 +0000] "GET /a/1 HTTP/1.1" 200 512 "-" "curl/8.5.0"'


def one(record: bytes, **reading: Any) -> dict[str, Any]:
    """The message of a record."""
    (payload,) = messages([record], Reading(**reading)).payloads
    assert payload is not None
    return dict(json.loads(payload))


def test_strict_json_is_not_touched() -> None:
    """What demands its own time and maps nothing are messages already, broken ones too."""
    values = [b'{"a": 1}', None, b"{", b""]

    assert messages(values, Reading(on_missing_time="reject")) == (values, None, None, {})


def test_a_line_of_a_format_is_a_message() -> None:
    """Its fields have the names of an event's."""
    assert one(LINE, format="access-log") == {
        "ip": "192.0.2.7",
        "timestamp": "2026-05-17T10:05:03Z",
        "endpoint": "/a/{id}",
        "status_code": 200,
        "method": "GET",
        "path": "/a/1",
        "bytes_sent": 512,
        "user_agent": "curl/8.5.0",
        "service": "web",
    }


def test_what_is_none_of_its_format_is_a_fault_of_its_row() -> None:
    """The rows beside it are not touched by it."""
    found = messages([LINE, b"oops", None, LINE], Reading(format="access-log"))

    assert [payload is None for payload in found.payloads] == [False, True, True, False]
    assert found.faults == {1: ("bad_format", "no access log line")}


def test_keys_are_mapped_and_values_converted() -> None:
    """A mapping, a unit, a constant and a zone; other keys stay."""
    record = b'{"when": "2026-05-17 10:05:03,5", "took": "0.25", "code": "200", "x": {"y": 1}}'
    found = one(
        record,
        mapping={"when": "timestamp", "took": "response_time", "code": "status_code"},
        units={"response_time": "s"},
        constants={"service": "shop"},
        zone="Europe/Berlin",
    )

    assert found == {
        "timestamp": "2026-05-17T08:05:03.500000Z",
        "response_time": 250.0,
        "status_code": 200,
        "service": "shop",
        "x": {"y": 1},
    }


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (b'{"path": "GET /a?b HTTP/1.1"}', {"method": "GET", "path": "/a?b", "endpoint": "/a"}),
        (b'{"ip": "203.0.113.9, 192.0.2.1"}', {"ip": "203.0.113.9"}),
        (b'{"ip": "[2001:db8::1]:443"}', {"ip": "2001:db8::1"}),
        (b'{"timestamp": 1779012303500}', {"timestamp": "2026-05-17T10:05:03.500000Z"}),
        (b'{"user": "-", "app": "NULL", "level": null}', {}),
        (
            b'{"status_code": "200.0", "bytes_sent": "1,024"}',
            {"status_code": 200, "bytes_sent": 1024},
        ),
        (b'{"status_code": "many"}', {"status_code": "many"}),
    ],
)
def test_values_are_what_they_say(record: bytes, fields: dict[str, Any]) -> None:
    """Request lines, lists of addresses, epochs, what stands for nothing; a misfit stays."""
    assert one(record) == fields


def test_what_no_utf_8_can_say_is_a_fault() -> None:
    """Half a character that JSON escapes; the next record is taken."""
    found = messages([b'{"msg":"\\ud800"}', b'{"msg":"a"}'], Reading(format="pino"))
    assert [*found.faults] == [0]
    assert found.faults[0].reason == "bad_format"


def test_a_quote_that_never_ends_is_read_once() -> None:
    """However many escaped quotes follow it, each byte is looked at once."""
    body = b'{"a":"' + b'\\"' * 1_000_000
    assert [one.original for one in texts([(1, body)])] == [body]
