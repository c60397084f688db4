"""Records of files as rows: typed, named, and never guessed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from support.reading_files import SHA256, TAKEN, of_lines
from support.records import EVENT

from lakehouse.formats.reading import Reading

COLUMNS = ("timestamp", "service", "endpoint", "status_code", "ip", "response_time")
CSV = Reading(
    format="csv",
    options={"columns": list(COLUMNS)},
    mapping={c: c for c in COLUMNS},
    on_missing_time="previous",
)
JSON = Reading(mapping={name: name for name in EVENT}, on_missing_time="previous")
ROW = "2026-05-01T11:59:30Z,shop,/a,200,192.0.2.7,1.5"


def event(line: str | bytes, reading: Reading = CSV) -> dict[str, Any]:
    """The one event of a line."""
    (row,), rejects = of_lines([line.encode() if isinstance(line, str) else line], reading)
    assert rejects == []
    return row


def test_a_row_becomes_an_event_of_the_right_types() -> None:
    """Numbers are numbers, and its name is of file and record."""
    row = event(ROW)
    assert (row["status_code"], row["response_time"], row["ip"]) == (200, 1.5, "192.0.2.7")
    assert row["event_id"] == hashlib.sha256(f"{SHA256}:0".encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW.replace("shop", ""), "missing_field"),
        (ROW + ",more", "bad_format"),
        (ROW.rpartition(",")[0], "bad_format"),
        (ROW.replace("shop", '"shop'), "bad_format"),
        (ROW.encode().replace(b"shop", b"\xff"), "bad_format"),
    ],
)
def test_what_does_not_fit_is_refused(row: str | bytes, why: str) -> None:
    """With its line, and what stood there is kept."""
    line = row if isinstance(row, bytes) else row.encode()
    events, (reject,) = of_lines([b"", line], CSV)
    assert (events, reject["reason"], reject["detail"][:8]) == ([], why, "line 2: ")
    assert reject["payload_length"] == len(line)


@pytest.mark.parametrize(
    ("was", "given", "field"),
    [
        ("200", "OK", "status_code"),
        ("200", "999", "status_code"),
        ("1.5", "1e999", "response_time"),
    ],
)
def test_what_does_not_fit_its_field_is_an_attribute(was: str, given: str, field: str) -> None:
    """As it stood there, and the row says which field it was meant for."""
    row = event(ROW.replace(was, given))
    assert (row[field], row["attributes"], row["_misfits"]) == (None, [(field, given)], [field])


def test_a_time_that_is_none_is_that_of_the_row_before() -> None:
    """And the row says so; the first one gets that of its import."""
    lines = [ROW.replace("2026-05-01T11:59:30Z", "oops"), ROW, ROW.replace("30Z", "30")]
    rows, _ = of_lines([line.encode() for line in lines], CSV)
    assert [row["time_from"] for row in rows] == ["broker", "event", "previous"]
    assert (rows[0]["timestamp"], rows[2]["timestamp"]) == (TAKEN, rows[1]["timestamp"])


def test_an_empty_cell_is_a_missing_value() -> None:
    """Not a zero."""
    assert event(ROW.replace("1.5", ""))["response_time"] is None


def test_a_time_without_a_zone_can_be_utc() -> None:
    """Where it is said."""
    row = event(
        ROW.replace("T", " ").replace("30Z", "30"), msgspec.structs.replace(CSV, zone="UTC")
    )
    assert row["timestamp"].isoformat() == "2026-05-01T11:59:30+00:00"


def test_columns_and_constants_are_as_a_person_says() -> None:
    """A column by another name, a value for all records, a route out of the path."""
    reading = Reading(
        format="csv",
        options={"columns": ["when", "url", "code"]},
        mapping={"when": "timestamp", "url": "path", "code": "status_code"},
        constants={"service": "shop", "ip": "192.0.2.1"},
    )
    row = event("2026-05-01T11:59:30Z,/items/12345?a=1,404", reading)
    assert [row[n] for n in ("service", "ip", "endpoint", "status_code")] == [
        "shop",
        "192.0.2.1",
        "/items/{id}",
        404,
    ]


def test_an_object_without_a_name_gets_one() -> None:
    """Of file and record; a number in text is the number."""
    nameless = {name: value for name, value in EVENT.items() if name != "event_id"}
    row = event(json.dumps(nameless | {"status_code": "404"}), JSON)
    assert row["event_id"] == hashlib.sha256(f"{SHA256}:0".encode()).hexdigest()[:32]
    assert row["status_code"] == 404


@pytest.mark.parametrize("line", ["[]", "{", '{"a":', "null", '"\\ud800"'])
def test_a_line_that_is_no_object_is_refused_as_it_is(line: str) -> None:
    """The very bytes are kept."""
    events, (reject,) = of_lines([line.encode()], JSON)
    assert (events, reject["payload"]) == ([], line)


def test_an_object_can_be_renamed() -> None:
    """A name that another one takes the place of is an attribute."""
    reading = Reading(
        mapping={"time": "timestamp", "channel": "endpoint"}, constants={"service": "wiki"}
    )
    edit = {"time": "2015-09-12T00:46:58.771Z", "channel": "#en", "timestamp": 5, "user": "me"}
    row = event(json.dumps(edit), reading)
    assert (row["endpoint"], row["user"], row["timestamp"].year) == ("#en", "me", 2015)
    assert row["attributes"] == [("original.timestamp", "5")]
