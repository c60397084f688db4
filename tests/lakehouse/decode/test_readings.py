"""Records are judged by how their source is read: whose time, which service, what format."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from support.records import LIMITS, TAKEN, raw

from lakehouse.decode import ITEM, decode
from lakehouse.decode.origin import Before
from lakehouse.decode.rejects import original
from lakehouse.formats.reading import Reading

OWN = "2026-05-01T11:59:00Z"


def rows(payloads: list[bytes | None], before: Before | None = None, **how: Any) -> list[Any]:
    """The events of payloads of the topic `web-logs`, which is read so."""
    found = decode(raw(payloads), LIMITS, {"web-logs": Reading(source="apps", **how)}, before)
    return found.events.to_pylist()


def test_a_missing_time_is_the_brokers() -> None:
    """The row says whose time it has, and of which source it is."""
    (row,) = rows([b'{"service": "cart"}'], on_missing_time="broker")

    assert (row["timestamp"], row["time_from"]) == (TAKEN, "broker")
    assert (row["_source"], row["event_id"]) == ("apps", "web-logs/0/0")


@pytest.mark.parametrize("more", [{}, {"units": {"response_time": "s"}}])
def test_a_constant_hides_no_value(more: dict[str, Any]) -> None:
    """Every record gets it; another one of the record's own is kept aside, on both ways to read."""
    payloads = [json.dumps(one).encode() for one in ({}, {"service": "cart"}, {"service": "shop"})]
    found = rows(payloads, constants={"service": "shop"}, on_missing_time="broker", **more)

    assert [row["service"] for row in found] == ["shop"] * 3
    assert [dict(row["attributes"] or ()) for row in found] == [
        {},
        {"original.service": "cart"},
        {},
    ]


def test_a_time_that_is_demanded_is_not_made() -> None:
    """Strictly read, a record without a time is refused."""
    assert rows([b'{"service": "cart"}'], on_missing_time="reject") == []


@pytest.mark.parametrize("key", ["other", "msg"])
def test_a_long_text_is_kept_whole_where_that_is_asked(key: str) -> None:
    """Its record is in quarantine with all of its bytes, from where a laxer reading takes it."""
    text = "é" * 40_000
    payload = json.dumps({"service": "cart", key: text}).encode()
    mapping = {"msg": "message"}
    strict = {"web-logs": Reading(mapping=mapping, on_long_text="reject")}
    found = decode(raw([payload, b'{"service": "cart"}']), LIMITS, strict)
    (reject,) = found.rejects.to_pylist()

    assert found.events.num_rows == 1
    assert (reject["reason"], original(reject)) == ("over_budget", payload)
    assert reject["detail"].endswith(": more than 65536 bytes, which the source refuses")
    (row,) = rows([payload], mapping=mapping)
    field, cut = ("other", row["attributes"]) if key == "other" else ("message", row["message"])
    assert row["_misfits"] == [f"{field}:cut"]
    assert cut == ([("other", "é" * 32_768)] if key == "other" else "é" * 32_768)


def test_a_record_that_is_none_of_its_format_is_kept_as_it_came() -> None:
    """One reject, with its own bytes."""
    reading = Reading(format="access-log", constants={"service": "web"})
    found = decode(raw([b"no line of a log"]), LIMITS, {"web-logs": reading})

    (reject,) = found.rejects.to_pylist()
    assert reject["payload"] == "no line of a log"
    assert found.events.num_rows == 0


def test_an_event_of_a_record_of_several_is_named_by_its_number() -> None:
    """It is a message already, as when it is replayed out of quarantine."""
    numbered = raw([json.dumps({"service": "cart", "timestamp": OWN}).encode()] * 2)
    numbered = numbered.append_column(ITEM, pa.array([0, 1], ITEM.type))
    reading = Reading(format="access-log", constants={"service": "web"})

    events = decode(numbered, LIMITS, {"web-logs": reading}).events

    assert events["event_id"].to_pylist() == ["web-logs/0/0/0", "web-logs/0/1/1"]
    assert events["_item"].to_pylist() == [0, 1]


@pytest.mark.parametrize("split", [0, 1, 2])
def test_a_time_goes_on_from_the_event_before(split: int) -> None:
    """Also from one batch to the next, where `before` is handed on; else the broker's."""
    payloads: list[bytes | None] = [
        b'{"service": "a"}',
        json.dumps({"service": "a", "timestamp": OWN}).encode(),
        b'{"service": "a"}',
    ]
    before: Before = {}
    how = {"on_missing_time": "previous"}

    found = rows(payloads[:split], before, **how) + rows(payloads[split:], before, **how)

    assert [row["time_from"] for row in found] == ["broker", "event", "previous"]
    assert found[2]["timestamp"] == TAKEN - timedelta(minutes=1)


def test_a_time_that_is_refused_is_no_events_before() -> None:
    """An event without a time does not follow one of the far future into quarantine."""
    payloads: list[bytes | None] = [
        json.dumps({"service": "a", "timestamp": OWN}).encode(),
        json.dumps({"service": "a", "timestamp": "2031-01-01T00:00:00Z"}).encode(),
        b'{"service": "a"}',
    ]

    found = rows(payloads, on_missing_time="previous")

    assert [row["_offset"] for row in found] == [0, 2]
    assert found[1]["timestamp"] == TAKEN - timedelta(minutes=1)
