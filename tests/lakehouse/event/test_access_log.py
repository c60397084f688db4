"""Access log lines: formats, escapes, and a real log with its truth."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.records import decoded

from lakehouse.event.access_log import event_id, parse
from lakehouse.event.fields import LogEvent
from lakehouse.event.message import dump

REQUEST = "GET /a/1?b=c HTTP/1.1"
LINE = '192.0.2.7 - ann [17/May/2015:12:05:03 +0200] "{}" 200 512'
TAIL = ' "http://example.com/" "curl/8.5.0"'


def line(request: str = REQUEST, tail: str = TAIL) -> str:
    """A line of the combined format."""
    return LINE.format(request) + tail


def parsed(text: str | bytes) -> LogEvent | None:
    """The event of a line."""
    return parse(text, "web", "e-1")


def test_a_combined_line_gives_all_it_holds() -> None:
    """Address, user, time in UTC, request, status, size and agent become fields."""
    assert parsed(line()) == LogEvent(
        event_id="e-1",
        timestamp=datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC),
        service="web",
        endpoint="/a/{id}",
        status_code=200,
        ip="192.0.2.7",
        method="GET",
        path="/a/1?b=c",
        bytes_sent=512,
        user_agent="curl/8.5.0",
        user="ann",
    )


def test_a_common_line_has_no_agent() -> None:
    """The common format ends with the size."""
    event = parsed(line(tail=""))

    assert event is not None
    assert (event.bytes_sent, event.user_agent) == (512, None)


def test_a_hyphen_is_a_missing_value() -> None:
    """User, size and agent of `-` are None, and not text."""
    event = parsed(line(tail=' "-" "-"').replace(" ann ", " - ").replace(" 512", " -"))

    assert event is not None
    assert (event.user, event.bytes_sent, event.user_agent) == (None, None, None)


@pytest.mark.parametrize(
    ("request_line", "method", "path", "endpoint"),
    [
        ("GET /a b HTTP/1.1", "GET", "/a b", "/{id}"),
        ("GET /old", "GET", "/old", "/old"),
        ("OPTIONS * HTTP/1.0", "OPTIONS", "*", "/*"),
        (r"\x16\x03\x01", None, "\x16\x03\x01", "{malformed}"),
        ("hello", None, "hello", "{malformed}"),
        ("-", None, None, "{malformed}"),
        ("", None, None, "{malformed}"),
        (r"GET /\"q\"\\\xc3\xa9 HTTP/1.1", "GET", '/"q"\\é', "/{id}"),
        (r"GET /\xff\xe9 HTTP/1.1", "GET", r"/\xff\xe9", "/{id}"),
    ],
)
def test_a_request_becomes_method_and_path(
    request_line: str, method: str | None, path: str | None, endpoint: str
) -> None:
    """Escapes are undone; what is no HTTP request is kept as the path, without a method."""
    event = parsed(line(request_line))

    assert event is not None
    assert (event.method, event.path, event.endpoint) == (method, path, endpoint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        line()[:-1],
        line(tail=' "http://example.com/'),
        line(tail=' "only one"'),
        line(tail=TAIL + ' "open'),
        line().replace("17/May", "17/Mai"),
        line().replace("17/May", "31/Feb"),
        line().replace("2015", "0000"),
        line().replace(" +0200", ""),
        line().replace(" 200 ", " 099 "),
        line().replace(" 512", " 5.5"),
        line().replace(" 512", " " + "9" * 19),
        line() + "\n" + line(),
        " " * 100_000,
        "a b " + " [" * 100_000,
        LINE.format("\\" * 99_999),
    ],
)
def test_a_broken_line_is_no_event(text: str) -> None:
    """Nothing is guessed of a line that is cut, in another format, or of no real time."""
    assert parsed(text) is None


@pytest.mark.parametrize("tail", [TAIL + "\r\n", TAIL + ' "203.0.113.9" 0.012', TAIL + " -"])
def test_what_follows_the_agent_does_no_harm(tail: str) -> None:
    """Ends of line, and the further fields that nginx is often told to write, are passed over."""
    assert parsed(line(tail=tail)) == parsed(line())


def test_bytes_of_another_encoding_stay_readable() -> None:
    """A line of bytes that are no UTF-8 is an event, with those bytes written out."""
    event = parsed(line("GET /caf? HTTP/1.1").encode().replace(b"?", b"\xe9"))

    assert event is not None
    assert event.path == r"/caf\xe9"


def test_an_event_is_named_by_file_and_line() -> None:
    """The same line of the same file has the same name, any other another one."""
    names = {event_id(file, number) for file in ("a", "b") for number in (0, 1, 11)}

    assert len(names) == 6
    assert event_id("a", 1) == event_id("a", 1) != event_id("a1", 1)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[LogEvent | None]:
    """The events of the real log, None for a line that is none."""
    with gzip.open(shared_data / "web" / "elastic_apache_access.log.gz") as lines:
        return [parse(text, "web", event_id("f", number)) for number, text in enumerate(lines)]


def test_the_real_log_gives_its_truth(real: list[LogEvent | None]) -> None:
    """9,999 of 10,000 lines are events, and days, statuses and addresses are those known."""
    events = [event for event in real if event]
    days = Counter(event.timestamp.day for event in events)
    statuses = Counter(event.status_code for event in events)
    addresses = Counter(event.ip for event in events)

    assert (len(real), len(events), len(addresses)) == (10_000, 9_999, 1_753)
    assert days == {17: 1632, 18: 2893, 19: 2896, 20: 2578}
    assert (statuses[404], statuses[500]) == (213, 3)
    assert addresses.most_common(3) == [
        ("66.249.73.135", 482),
        ("46.105.14.53", 364),
        ("130.237.218.86", 357),
    ]


def test_the_real_log_decodes(real: list[LogEvent | None]) -> None:
    """Every event of the real log, sent as a message, is a row of `logs`."""
    events = decoded(*(dump(event) for event in real if event)).events

    assert events.num_rows == 9_999
    assert events.column("client_family").null_count == 190
