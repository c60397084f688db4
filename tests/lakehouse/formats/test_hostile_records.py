"""No record of any format stops a batch: it gives rows, or is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.format_samples import RECORDS, readings, records_of
from support.records import LIMITS, raw

from lakehouse.decode import REASONS, decode
from lakehouse.formats import messages as made
from lakehouse.formats.format import Fault, Fields
from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.records import records
from lakehouse.formats.registry import formats, named

pytestmark = pytest.mark.slow

LAST_YEAR = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
DIGITS = "1" * 5000
DEEP = '{"a":' * 900 + "1" + "}" * 900
# What a part of a record may be exchanged for.
PARTS = [
    "",
    "+99:99",
    "-9900",
    "+-",
    "-",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "null",
    "[]",
    "{}",
    '"x"',
    "9" * 400,
    DIGITS,
    f"{DIGITS}:00:00",
    f"{DIGITS}s",
    f"{DIGITS}.5",
    "00:00:61",
    "Feb 29",
    "Jan 01",
    "9999-12-31",
    "0000-00-00",
    "\u0660",
    "\u2212",
    "\x00",
    "\ufeff",
    '"',
    "\\",
    "[",
    "]",
    "=",
    "a.b",
    "\n",
    "\r",
    "\t",
    " ",
    "%",
    "<999>",
    "original.a",
]
# Of each format, so that all of them are tried about as often as a property is.
FEWER = settings(max_examples=-(-settings.default.max_examples // 5))
MOMENTS = st.sampled_from([None, LAST_YEAR, datetime(1970, 1, 1, tzinfo=UTC), LAST_YEAR])


def taken(records: Sequence[bytes], reading: Reading) -> tuple[list[Any], list[Any]]:
    """The rows and the rejects of records of one source."""
    at = datetime(2026, 11, 29, tzinfo=UTC)
    found = decode(raw(records, at), LIMITS, {"web-logs": reading})
    return found.events.to_pylist(), found.rejects.to_pylist()


def test_each_format_has_a_sample() -> None:
    """So that none is left out below; and each sample is a record of it."""
    assert {*RECORDS} == {*formats()}
    for reading in readings():
        assert messages(records_of(reading), reading, [LAST_YEAR] * 9).faults == {}, reading


@pytest.mark.parametrize(
    ("record", "form"),
    [
        (b"17/May/2026:10:05:03 +99:99", "text"),
        (b"2026-05-17 10:05:03 -9900", "text"),
        (f"{DIGITS}:00:00".encode(), "text"),
        (f"{DIGITS}s".encode(), "text"),
        (f'{{"t": {DIGITS}, "user": {DIGITS}, "took": {DIGITS}}}'.encode(), "json"),
        (b'{"t": 1e999, "took": 1e999, "service": 1e999}', "json"),
        (f'{{"took": {"9" * 400}, "t": {"9" * 400}}}'.encode(), "json"),
        (f'{{"t": {"[" * 390}{"]" * 390}}}'.encode(), "json"),
        (b'{"log":"hi\\n","stream":"stdout","time":"2026-05-17T10:05:03Z","attrs":"x"}', "docker"),
        (b'{"log":"hi\\n","stream":"stdout","time":5,"attrs":[1]}', "docker"),
        (RECORDS["haproxy"][0].replace("10/0/30/69/109", "+-/1/1/1/+-").encode(), "haproxy"),
        (RECORDS["alb"][0].replace("0.000 0.001", "0.0.0 --").encode(), "alb"),
    ],
)
def test_an_odd_value_costs_no_record(record: bytes, form: str) -> None:
    """A row comes of it, with the value in a column or in the attributes."""
    units = {"response_time": "s"}
    mapping = {"t": "timestamp", "took": "response_time"} if form in ("json", "text") else {}
    options = {"pattern": "(?P<t>.*)"} if form == "text" else {}
    form = Reading(
        source="s", format=form, mapping=mapping, units=units, options=options, default_service="s"
    )

    events, rejects = taken([record, record], form)

    assert (len(events), rejects) == (2, [])


@pytest.mark.parametrize("line", ["Jan 01 00:00:00", "Feb 29 00:00:00", "Dec 31 23:59:59"])
def test_a_time_without_a_year_at_the_end_of_time(line: str) -> None:
    """The broker's clock may say any year to 9999."""
    found = messages(
        [f"{line} h su: x".encode()], Reading(format="syslog", zone="UTC"), [LAST_YEAR]
    )

    year = {"Feb": "9996"}.get(line[:3], "9999")
    assert json.loads(found.payloads[0] or b"")["timestamp"][:4] == year


def test_what_no_one_thought_of_is_the_fault_of_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that fails refuses the record that it failed at, and says how."""

    def failing(record: bytes, _before: datetime | None) -> Fields | Fault:
        if record == b"bad":
            raise ZeroDivisionError("secret")
        return {"message": record.decode()}

    reader = replace(named("raw"), parser=lambda _reading: failing)
    monkeypatch.setattr(made, "named", lambda _name: reader)
    # a source of its own, as readers are made once for a reading
    found = messages([b"a", b"bad", b"c"], Reading(source="failing", format="raw"))

    assert found.payloads == [b'{"message":"a"}', None, b'{"message":"c"}']
    assert found.faults == {
        1: Fault("not_decoded", "the reader of raw failed (ZeroDivisionError): report it")
    }


@st.composite
def changed(draw: st.DrawFn, whole: bytes) -> bytes:
    """A record with some of its parts exchanged, left out or repeated."""
    text = whole
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 12, len(text))))
        part = draw(st.sampled_from(PARTS).map(str.encode) | st.binary(max_size=3))
        text = text[:start] + part + text[end:]
    return text


@pytest.mark.random
@pytest.mark.parametrize("reading", readings(), ids=lambda reading: reading.format)
@FEWER
@given(data=st.data())
def test_any_bytes_are_rows_or_rejects(reading: Reading, data: st.DataObject) -> None:
    """Never an exception, and never of a reader that failed."""
    samples = [changed(one) for one in records_of(reading)]
    some = data.draw(st.lists(st.one_of(*samples, st.binary(max_size=40)), min_size=1, max_size=4))
    times = [data.draw(MOMENTS) for _ in some]

    events, rejects = taken(some, reading)
    found = messages(some, reading, times)

    assert {*range(len(some))} == {row["_offset"] for row in [*events, *rejects]}
    assert {row["reason"] for row in rejects} <= {*REASONS} - {"not_decoded"}
    assert all(row["detail"].isprintable() and len(row["detail"]) <= 200 for row in rejects)
    details = [*(row["detail"] for row in rejects), *(one.detail for one in found.faults.values())]
    assert [detail for detail in details if "report it" in detail] == []


@pytest.mark.random
@pytest.mark.parametrize("reading", readings(), ids=lambda reading: reading.format)
@FEWER
@given(data=st.data())
def test_any_file_is_recognised_and_cut_into_records(reading: Reading, data: st.DataObject) -> None:
    """Whatever the bytes of its lines."""
    samples = [changed(one) for one in records_of(reading)]
    some = data.draw(st.lists(st.one_of(*samples, st.binary(max_size=40)), max_size=4))
    lines = b"\n".join(some).split(b"\n")

    found = [*records(lines, reading)]
    recognise(sample_of(b"\n".join(lines)))

    assert sum(len(record.original) for record in found) <= sum(map(len, lines)) + len(lines)
