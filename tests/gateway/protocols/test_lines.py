"""Lines: any format of the registry, a record each."""

from __future__ import annotations

import gzip
import json

import pytest
from support.produced import values
from support.records import message
from support.sending import Door, events

from gateway.batch import Batch
from gateway.protocols.lines import as_they_are, of_body
from lakehouse.formats.reading import Reading
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection

ACCESS = (
    "203.0.113.7 - ann [01/May/2026:11:59:30 +0000] "
    '"GET /api/items/7 HTTP/1.1" 200 512 ' + '"-" "curl/8"'
)


TRACE = b"""2026-05-01 11:59:30,250 ERROR [main] shop.Pay - no stock
java.lang.IllegalStateException: no stock
\tat shop.Pay.take(Pay.java:42)
Caused by: java.io.IOException: gone

\t... 3 more
2026-05-01 11:59:31,000 INFO [main] shop.Pay - next\r
"""


@pytest.mark.parametrize("is_source", [True, False])
def test_a_stack_trace_stays_with_its_line(is_source: bool) -> None:
    """Lines that continue a record are part of it, as `import` reads them in files."""
    batch, reading = Batch(1 << 20), Reading(source="shop", format="app")
    take = as_they_are if is_source else of_body
    assert take(TRACE, batch, reading, lambda _number: None).lines == [1, 7]
    first, second = batch.messages
    if is_source:
        assert (first, second) == (TRACE[: TRACE.index(b"\n2026")], TRACE.splitlines()[-1])
    else:
        assert "Pay.java:42" in json.loads(first)["exception"]
        assert json.loads(second)["message"] == "next"


def test_an_array_is_its_objects() -> None:
    """On one line or on several; what stands between them goes to quarantine."""
    batch, reading = Batch(1 << 20), Reading(source="shop")
    body = b' [\n{"service":"a"},\n {"service":"b",\n"n":[1]},5]\n'
    assert of_body(body, batch, reading, lambda _number: None) == ([1, 2, 3], 1)
    assert batch.messages == [b'{"service":"a"}', b'{"service":"b",\n"n":[1]}', b",5]"]


def test_lines_of_json_are_sent_as_they_are(door: Door) -> None:
    """What a record lacks is added at its end: its source as the service."""
    whole, bare = (
        message(event_id="e-1"),
        b'{"message": "hi", "n": 1.50, "big": 12345678901234567890}',
    )
    found = door.post("/ingest/app", whole + b"\n\n" + bare + b"\n")
    assert found.json() == {"taken": 2, "unreadable": 0, "refused": 0, "first_refused": []}
    sent = sorted(door.sent(), key=len)
    assert sent[1] == whole
    assert sent[0].startswith(bare[:-1])
    (of_bare,) = (one for one in door.messages() if one.get("message") == "hi")
    assert of_bare["service"] == "app"
    assert len(events(door.sent())) == 2


@pytest.mark.parametrize("body", [b"{}", b" { } ", b'{"service":null,"timestamp":null}', b"[{}]"])
def test_what_is_nothing_is_completed(door: Door, body: bytes) -> None:
    """An empty object, and one whose fields are null, become events; an array is its texts."""
    assert door.post("/ingest/app", body).json()["taken"] == 1
    (event,) = events(door.sent())
    assert event["service"] == "app"


def test_a_line_of_an_access_log_is_an_event(door: Door) -> None:
    """By the format that the address names; packed too."""
    body = gzip.compress(f"{ACCESS}\n{ACCESS}\n".encode())
    found = door.post("/ingest/nginx?format=access-log", body, content_encoding="gzip")
    assert found.json()["taken"] == 2
    found = events(door.sent())
    assert {(one["status_code"], one["ip"], one["path"]) for one in found} == {
        (200, "203.0.113.7", "/api/items/7")
    }
    assert {one["service"] for one in found} == {"nginx"}
    assert len(found) == 2


def test_a_line_of_another_format_goes_to_quarantine(door: Door) -> None:
    """It is sent as it came, and the answer counts it."""
    answer = door.post("/ingest/nginx?format=access-log", f"nonsense\n{ACCESS}\n").json()
    assert (answer["taken"], answer["unreadable"]) == (2, 1)
    assert b"nonsense" in door.sent()
    assert door.post("/ingest/app", b"{broken\n").json()["unreadable"] == 1
    assert b"{broken" in door.sent()


def test_a_line_that_is_too_long_is_refused_alone(door: Door) -> None:
    """The answer names it."""
    long = json.dumps({"message": "x" * 1_000_001})
    answer = door.post("/ingest/app", f'{{"n":1}}\n\n{long}\n').json()
    assert (answer["taken"], answer["refused"]) == (1, 1)
    assert answer["first_refused"][0]["line"] == 3


def test_a_retry_under_the_same_key_has_the_same_ids(door: Door) -> None:
    """A key is of its source; ids that records have themselves stay."""
    body = b'{"n":1}\n{"n":2}\n{"n":3,"event_id":"mine"}\n'
    for source in ("a", "a", "b"):
        assert door.post(f"/ingest/{source}", body, idempotency_key="k").status_code == 200
    ids = [(one["n"], one["event_id"]) for one in door.messages()]
    assert len(ids) == 9
    assert len({*ids}) == 5


@pytest.mark.parametrize(
    ("status", "path", "headers"),
    [
        (400, "/ingest/app?format=nothing", {}),
        (400, "/ingest/app", {"idempotency_key": "a b"}),
        (400, "/ingest/app", {"idempotency_key": "k" * 256}),
        (404, "/ingest/%2e%2e", {}),
        (404, "/ingest/a/b", {}),
        (415, "/ingest/app", {"content_encoding": "br"}),
    ],
)
def test_what_is_no_request_is_refused(
    door: Door, status: int, path: str, headers: dict[str, str]
) -> None:
    """In words, and with nothing sent."""
    found = door.post(path, b'{"n":1}', **headers)
    assert found.status_code == status
    assert door.sent() == []


def test_more_records_than_a_request_may_bring(door: Door) -> None:
    """Are refused as a whole."""
    assert door.post("/ingest/app", b"{}\n" * 100_001).status_code == 413
    assert (door.sent(), door.budget.held) == ([], 0)


def test_a_source_of_the_lake_gets_its_lines_as_they_are(door: Door) -> None:
    """In its own topic, where its entry says how they are read; named JSON has ids."""
    for name in ("apache", "shop"):
        kafka.create(Connection(door.bootstrap), f"{door.topic}-{name}", 1)
    assert door.post("/ingest/apache", f"{ACCESS}\nnonsense\n").json()["taken"] == 2
    assert door.post("/ingest/shop", b'{"n":1}\nbroken', idempotency_key="k").json()["taken"] == 2
    assert values(door.bootstrap, f"{door.topic}-apache") == [ACCESS.encode(), b"nonsense"]
    first, second = values(door.bootstrap, f"{door.topic}-shop")
    assert json.loads(first or b"").keys() == {"n", "event_id"}
    assert second == b"broken"
    assert door.sent() == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ingest/many", {}),
        ("/ingest/apache?format=json", {}),
        ("/ingest/apache", {"idempotency_key": "k"}),
    ],
)
def test_what_a_source_of_the_lake_does_not_take(
    door: Door, path: str, headers: dict[str, str]
) -> None:
    """One without a topic, another format than its own, ids where lines have no place for one."""
    found = door.post(path, ACCESS, **headers)
    assert (found.status_code, bool(found.json()["remedy"])) == (400, True)
