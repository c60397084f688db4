"""Access log lines: formats, escapes, and a real log with its truth."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.access_lines import parse
from support.records import decoded

from lakehouse.event.fields import LogEvent
from lakehouse.event.message import dump
from lakehouse.formats.format import Fault
from lakehouse.formats.requests.access_log import fields

REQUEST = "GET /a/1?b=c HTTP/1.1"
LINE = '192.0.2.7 - ann [17/May/2015:12:05:03 +0200] "{}" 200 512'
TAIL = ' "http://example.com/" "curl/8.5.0"'


def line(request: str = REQUEST, tail: str = TAIL) -> str:
    """A line of the combined format."""
    return LINE.format(request) + tail


def parsed(text: str | bytes) -> LogEvent | None:
    """The event of a line."""
    return parse(text, "web", "e-1")


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("192.0.2.7:51234", {"ip": "192.0.2.7", "client_port": "51234"}),
        ("[2001:db8::7]:443", {"ip": "2001:db8::7", "client_port": "443"}),
        ("www.example.com:443 192.0.2.7:5", {"ip": "192.0.2.7", "client_port": "5"}),
        ("-", {}),
    ],
)
def test_an_address_may_have_a_port_or_be_none(written: str, known: dict[str, str]) -> None:
    """The port is a field of its own."""
    found = fields(line().replace("192.0.2.7", written))
    assert isinstance(found, dict)
    assert {key: found[key] for key in ("ip", "client_port") if key in found} == known
    assert found["user"] == "ann"


@pytest.mark.parametrize("first", ["192.0.2.7:x", "may", "<190>1", "203.0.113.9,", "a:1:2"])
def test_what_is_no_address_is_named(first: str) -> None:
    """And its line is refused."""
    found = fields(line().replace("192.0.2.7", first))
    assert isinstance(found, Fault)
    assert found.detail.startswith("no access log line: what stands where the address should be is")


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


@pytest.mark.parametrize("tail", [TAIL + "\r\n", TAIL + ' "203.0.113.9"', TAIL + " -"])
def test_what_follows_the_agent_does_no_harm(tail: str) -> None:
    """Ends of line, and further fields, are no part of the fields before them."""
    assert parsed(line(tail=tail)) == parsed(line())


INGRESS = " 85 0.123 [shop-web-80] [] 10.0.0.1:8080 512 0.120 200 abc"


@pytest.mark.parametrize(
    ("tail", "more"),
    [
        (' "203.0.113.9" 0.012', {"response_time": 12.0, "x_forwarded_for": "203.0.113.9"}),
        (' rt=0.25 urt="0.2"', {"rt": "0.25", "urt": "0.2"}),
        (" 18598", {"field1": "18598"}),
        (INGRESS, {"response_time": 123.0, "upstream_addr": "10.0.0.1:8080"}),
    ],
)
def test_usual_fields_after_the_agent_are_taken(tail: str, more: dict[str, object]) -> None:
    """A time to answer where its unit is sure; a number of no known unit keeps its place."""
    found = fields(line(tail=TAIL + tail))
    assert isinstance(found, dict)
    assert found.items() >= more.items()
    assert found.get("response_time") == more.get("response_time")


@pytest.mark.parametrize(
    ("head", "known"),
    [
        ("shop.example.com:443 192.0.2.7 -", {"vhost": "shop.example.com:443"}),
        ("203.0.113.9, 198.51.100.1, 192.0.2.7 -", {"ip": "203.0.113.9"}),
        ('"203.0.113.9, 198.51.100.1" 192.0.2.7 -', {"ip": "203.0.113.9"}),
        ('"-" 192.0.2.7 -', {}),
        ("- 192.0.2.7 -", {}),
        ("host.example.com -", {"ip": "host.example.com"}),
        ("2001:db8::1 -", {"ip": "2001:db8::1"}),
    ],
)
def test_what_stands_before_the_address_is_known(head: str, known: dict[str, str]) -> None:
    """A site, a list of X-Forwarded-For, a name: the address is the client's, the user a user."""
    found = fields(line().replace("192.0.2.7 -", head))
    assert isinstance(found, dict)
    assert {"ip": "192.0.2.7", **known}.items() <= found.items()
    assert found["user"] == "ann"


@pytest.mark.parametrize("prefix", ["May ", "<190>1 ", "shop: ", "203.0.113.9, x ", "web-1 | "])
def test_a_prefix_that_is_not_known_is_named(prefix: str) -> None:
    """No part of it becomes an address or a user."""
    found = fields(prefix + line())
    assert isinstance(found, Fault)
    assert prefix.strip() in found.detail


def test_bytes_of_another_encoding_stay_readable() -> None:
    """A line of bytes that are no UTF-8 is an event, with those bytes written out."""
    event = parsed(line("GET /caf? HTTP/1.1").encode().replace(b"?", b"\xe9"))

    assert event is not None
    assert event.path == r"/caf\xe9"


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[LogEvent | None]:
    """The events of the real log, None for a line that is none."""
    with gzip.open(shared_data / "web" / "elastic_apache_access.log.gz") as lines:
        return [parse(text, "web", str(number)) for number, text in enumerate(lines)]


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
