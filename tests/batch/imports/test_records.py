"""Records of files as messages: typed, named, and never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.records import EVENT, reason
from support.records import event as event_of

from batch.imports.records import Record, records
from lakehouse.event.access_log import event_id
from lakehouse.ingest.raw_zone import Reading

COLUMNS = ("timestamp", "service", "endpoint", "status_code", "ip", "response_time")
CSV = Reading(format="csv", delimiter=",", columns=COLUMNS, mapping={c: c for c in COLUMNS})
JSON = Reading(format="ndjson", mapping={name: name for name in EVENT})
ROW = "2026-05-01T11:59:30Z,shop,/a,200,192.0.2.7,1.5"


def read(line: str | bytes, reading: Reading = CSV) -> Record:
    """The record of a line."""
    lines = [line.encode() if isinstance(line, str) else line]
    (record,) = records(lines, reading, "abc")
    return record


def changed(reading: Reading, **fields: Any) -> Reading:
    """The same with other fields."""
    return Reading(**{name: getattr(reading, name) for name in Reading.__struct_fields__} | fields)


def test_a_row_becomes_an_event_of_the_right_types() -> None:
    """Numbers are numbers, and its name is of file and record."""
    event = event_of(read(ROW).payload)
    assert (event["status_code"], event["response_time"], event["ip"]) == (200, 1.5, "192.0.2.7")
    assert event["event_id"] == event_id("abc", 0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW.replace("192.0.2.7", ""), "missing_field"),
        (ROW.replace("200", "OK"), "wrong_type"),
        (ROW.replace("200", "999"), "out_of_range"),
        (ROW.replace("1.5", "1e999"), "wrong_type"),
        (ROW.replace("30Z", "30"), "bad_timestamp"),
        (ROW + ",more", "syntax"),
        (ROW.rpartition(",")[0], "syntax"),
        (ROW.replace("shop", '"shop'), "syntax"),
        (ROW.encode().replace(b"shop", b"\xff"), "syntax"),
    ],
)
def test_what_does_not_fit_is_refused(row: str | bytes, why: str) -> None:
    """By the decoder, with its reasons; and what stood there is kept."""
    found = read(row)
    assert reason(found.payload) == why
    assert found.original == (row if isinstance(row, bytes) else row.encode())


def test_an_empty_cell_is_a_missing_value() -> None:
    """Not a zero."""
    assert event_of(read(ROW.replace("1.5", "")).payload)["response_time"] is None


def test_a_time_without_a_zone_can_be_utc() -> None:
    """Where it is said."""
    found = read(ROW.replace("T", " ").replace("30Z", "30"), changed(CSV, utc=True))
    assert event_of(found.payload)["timestamp"].isoformat() == "2026-05-01T11:59:30+00:00"


def test_columns_and_constants_are_as_a_person_says() -> None:
    """A column by another name, a value for all records, a route out of the path."""
    columns = ("when", "url", "code")
    mapping = {"when": "timestamp", "url": "path", "code": "status_code"}
    constants = {"service": "shop", "ip": "0.0.0.0"}
    reading = changed(CSV, columns=columns, mapping=mapping, constants=constants)
    event = event_of(read("2026-05-01T11:59:30Z,/items/12345?a=1,404", reading).payload)
    assert (event["service"], event["ip"], event["endpoint"], event["status_code"]) == (
        "shop",
        "0.0.0.0",
        "/items/{id}",
        404,
    )


def test_an_object_that_is_an_event_stays_as_it_is() -> None:
    """Byte for byte."""
    line = json.dumps(EVENT | {"unknown": 1}, indent=None)
    assert read(line, JSON).payload == line.encode()


def test_an_object_without_a_name_gets_one() -> None:
    """Of file and record; its values keep their types, and are judged by them."""
    nameless = {name: value for name, value in EVENT.items() if name != "event_id"}
    assert event_of(read(json.dumps(nameless), JSON).payload)["event_id"] == event_id("abc", 0)
    assert reason(read(json.dumps(nameless | {"status_code": "200"}), JSON).payload) == "wrong_type"


@pytest.mark.parametrize("line", ["", "[]", "{", '{"a":', "null", '"\\ud800"'])
def test_a_line_that_is_no_object_is_refused_as_it_is(line: str) -> None:
    """The decoder sees the very bytes."""
    assert read(line, JSON).payload == line.encode()


def test_an_object_can_be_renamed() -> None:
    """A name that another one takes the place of is not read."""
    mapping = {"time": "timestamp", "channel": "endpoint"}
    constants = {"service": "wiki", "status_code": "200", "ip": "0.0.0.0"}
    reading = Reading(format="ndjson", mapping=mapping, constants=constants)
    edit = {"time": "2015-09-12T00:46:58.771Z", "channel": "#en", "timestamp": 5, "user": "me"}
    event = event_of(read(json.dumps(edit), reading).payload)
    assert (event["endpoint"], event["user"], event["timestamp"].year) == ("#en", "me", 2015)
