"""Verdicts: which payload is an event, and which is rejected for what."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from support.records import (
    LIMITS,
    TAKEN,
    decoded,
    event,
    message,
    raw,
    reason,
    reject,
    without,
    written,
)

from lakehouse.decode import EVENTS, RAW, REASONS, REJECTS, decode
from lakehouse.event.fields import DerivedFields
from lakehouse.tables.catalog import LOGS, QUARANTINE

OK, MISFIT = None, "misfit"
ZONELESS = message(timestamp="2026-05-01T11:59:30")
LATER = message(timestamp="2026-05-01T13:00:00Z")
VERDICTS = {
    # What `from_json` of Spark accepts (FACTS.md), and this does not.
    "trailing content": (message() + b" trailing", "syntax"),
    "two objects": (message() + message(), "syntax"),
    "single quotes": (message().replace(b'"', b"'"), "syntax"),
    "NaN": (written(response_time="NaN"), "syntax"),
    "NaN, unknown field": (written(other="NaN"), "syntax"),
    "infinity by name": (written(response_time="-Infinity"), "syntax"),
    "1e400": (written(response_time="1e400"), MISFIT),
    "milliseconds": (message(timestamp=1_777_636_800_000), "bad_timestamp"),
    "time of day": (message(timestamp="12:00"), "bad_timestamp"),
    "no zone": (ZONELESS, "bad_timestamp"),
    "year 99999": (message(timestamp="99999-05-01T11:59:30Z"), "bad_timestamp"),
    "foreign keys": (b'{"a": 1, "b": {"c": 2}}', "missing_field"),
    "empty text": (b"", "syntax"),
    "blank text": (b" \n", "syntax"),
    "no UTF-8": (message(user="?").replace(b"?", b"\xff"), "syntax"),
    "no UTF-8, unknown field": (message(other="?").replace(b"?", b"\xff"), "syntax"),
    "no UTF-8, unknown name": (message(other=1).replace(b"other", b"\xc3("), "syntax"),
    # Shape.
    "NULL": (None, "empty"),
    "null": (b"null", "not_an_object"),
    "a list": (b"[" + message() + b"]", "not_an_object"),
    "a huge number": (b"1e400", "not_an_object"),
    "byte order mark": (b"\xef\xbb\xbf" + message(), "syntax"),
    "zero byte behind": (message() + b"\0", "syntax"),
    "space around": (b"\r\n\t " + message() + b"\n", OK),
    "escaped names": (message().replace(b'"ip"', b'"\\u0069p"'), OK),
    "no object, and cut": (b'["', "syntax"),
    # Fields.
    "required null": (message(service=None), "missing_field"),
    "optional null": (message(ip=None), OK),
    "empty address": (message(ip=""), MISFIT),
    "empty name": (message(event_id=""), MISFIT),
    "number for a service": (message(service=5), "wrong_type"),
    "level that is none": (message(level="loud"), MISFIT),
    "level as a number": (message(level=40), OK),
    "unknown field": (message(other=[{"deep": None}]), OK),
    "unknown field, huge number": (written(other="-1e999"), OK),
    "unknown field, lone surrogate": (written(other=r'"\ud800"'), "syntax"),
    "empty required text": (message(service=""), "out_of_range"),
    "empty optional text": (message(user=""), OK),
    "number for text": (message(user=5), MISFIT),
    "status as text": (message(status_code="200"), MISFIT),
    "status 200.5": (message(status_code=200.5), MISFIT),
    "status 200.0": (message(status_code=200.0), MISFIT),
    "status true": (message(status_code=True), MISFIT),
    "status 99": (message(status_code=99), MISFIT),
    "status 600": (message(status_code=600), MISFIT),
    "status 2**64": (message(status_code=2**64), MISFIT),
    "whole number for a decimal": (message(response_time=12), OK),
    "negative time": (message(response_time=-0.1), MISFIT),
    "largest size": (message(bytes_sent=2**63 - 1), OK),
    "size 2**63": (message(bytes_sent=2**63), MISFIT),
    "size of 5,000 digits": (written(bytes_sent="9" * 5000), MISFIT),
    "size of -1": (message(bytes_sent=-1), MISFIT),
    "type before syntax": (message(status_code="x") + b"}", "syntax"),
    "type before UTF-8": (message(status_code="x", z="?").replace(b"?", b"\xff"), "syntax"),
    "missing before type": (without("service").replace(b"11:59", b"x"), "missing_field"),
    "the last of a name counts": (b'{"status_code": 404,' + message()[1:], OK),
    "the last of a name that does not fit": (b'{"status_code": "x",' + message()[1:], OK),
    "deep": (written(other="[" * 399 + "]" * 399), OK),
    "too deep": (written(other="[" * 400 + "]" * 400), "syntax"),
    "brackets in text": (message(other="[" * 5000 + '\\"{'), OK),
    "too large": (message(path="x" * LIMITS.budgets.record), "over_budget"),
    "too many keys": (message(other=dict.fromkeys(map(str, range(1001)), 1)), "over_budget"),
    "too long a key": (message(**{"k" * 1025: 1}), "over_budget"),
    "text that is cut": (message(path="x" * 65_537), MISFIT),
    # Time.
    "a space for T": (message(timestamp="2026-05-01 11:59:30z"), OK),
    "offset": (message(timestamp="2026-05-01T23:29:30+11:30"), OK),
    "unreal day": (message(timestamp="2026-02-30T00:00:00Z"), "bad_timestamp"),
    "no seconds": (message(timestamp="2026-05-01T11:59Z"), "bad_timestamp"),
    "a day": (message(timestamp="2026-05-01"), "bad_timestamp"),
    "number as text": (message(timestamp="1777636800"), "bad_timestamp"),
    "time true": (message(timestamp=True), "bad_timestamp"),
    "1970": (message(timestamp="1970-01-01T00:00:00Z"), OK),
    "1969 in UTC": (message(timestamp="1970-01-01T00:00:00+00:01"), "bad_timestamp"),
    "before year 1": (message(timestamp="0001-01-01T00:00:00+23:00"), "bad_timestamp"),
    "after year 9999": (message(timestamp="9999-12-31T23:59:59-23:00"), "bad_timestamp"),
    "rounds past 9999": (message(timestamp="9999-12-31T23:59:59.9999999Z"), "bad_timestamp"),
    "9999": (message(timestamp="9999-12-31T23:59:59Z"), "future_timestamp"),
    "5 minutes ahead": (message(timestamp="2026-05-01T12:05:00Z"), OK),
    "a bit more": (message(timestamp="2026-05-01T12:05:00.000001Z"), "future_timestamp"),
}


def verdict(payload: bytes | None) -> str | None:
    """The reason for which a payload is rejected; `misfit` where a value of it did not fit."""
    events, rejects = decoded(payload)
    if rejects.num_rows:
        return str(rejects["reason"][0])
    return MISFIT if events["_misfits"][0].as_py() else OK


@pytest.mark.parametrize("case", VERDICTS)
def test_each_payload_has_its_verdict(case: str) -> None:
    """A payload is an event, with or without a misfit, or is rejected for the reason above."""
    payload, expected = VERDICTS[case]

    assert verdict(payload) == expected


def test_a_verdict_does_not_depend_on_the_neighbours() -> None:
    """All payloads of the table in one batch get the verdicts that they get alone."""
    batch = decoded(*(payload for payload, _ in VERDICTS.values()))

    together = {row["_offset"]: row["reason"] for row in batch.rejects.to_pylist()}
    assert together == {
        place: expected
        for place, (_, expected) in enumerate(VERDICTS.values())
        if expected not in (OK, MISFIT)
    }


@pytest.mark.parametrize("case", ["deep", "too deep"])
def test_a_verdict_does_not_depend_on_the_stack(case: str) -> None:
    """The parser's limit of nesting is the caller's stack; ours is not."""
    payload, expected = VERDICTS[case]

    def called_from(depth: int) -> str | None:
        return called_from(depth - 1) if depth else reason(payload)

    assert called_from(300) == expected


def test_every_reason_is_declared() -> None:
    """No reason is given that the list of reasons does not explain."""
    given = {expected for _, expected in VERDICTS.values()} - {OK, MISFIT}

    others = {"past_timestamp", "bad_record_time", "bad_format", "not_decoded"}
    of_registries = {"unknown_schema", "no_registry", "bad_schema"}
    assert given | others | of_registries == set(REASONS)


@pytest.mark.parametrize("name", ["timestamp", "service"])
def test_no_required_field_may_miss(name: str) -> None:
    """An event without a required field is rejected, and the detail names it."""
    row = reject(without(name))

    assert (row["reason"], row["detail"]) == ("missing_field", f"absent or null: {name}")


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (message(service=5), "service: 5, wanted text that is not empty"),
        (message(service=[]), "service: a list, wanted text that is not empty"),
        (message(service=""), "service: empty text, wanted text that is not empty"),
        (message(timestamp="12:00"), "timestamp: text, wanted RFC 3339 text with a zone"),
        (ZONELESS, "timestamp: text without a zone, wanted RFC 3339 text with a zone"),
        (LATER, "timestamp: 3600.0 s ahead of the broker's time"),
        (b'"' + b"x" * 9999 + b'"', "text, not an object"),
        (message()[:-1], "not JSON: breaks off"),
        (b"\xff", "not UTF-8: invalid start byte (byte 0)"),
    ],
)
def test_the_detail_says_what_is_wrong_in_words(payload: bytes, detail: str) -> None:
    """A detail names the field and the fault, and never quotes a payload at length."""
    assert reject(payload)["detail"] == detail


def test_an_old_event_is_taken_unless_a_limit_is_set() -> None:
    """The past horizon is off by default; when set it rejects what is older, to the microsecond."""
    strict = type(LIMITS)(LIMITS.ahead, timedelta(seconds=30), LIMITS.payload_cap)
    at_limit, older = "2026-05-01T11:59:30Z", "2026-05-01T11:59:29.999999Z"

    verdicts = [
        reason(message(timestamp=t), limits)
        for t in (at_limit, older)
        for limits in (LIMITS, strict)
    ]

    assert verdicts == [OK, OK, OK, "past_timestamp"]


def test_missing_optional_values_stay_null() -> None:
    """An event of required fields only has NULL in all others, whatever they are derived from."""
    row = event(message(endpoint=None, status_code=None, ip=None))

    assert {name for name, value in row.items() if value is None} == {
        f.name for f in EVENTS if f.nullable
    } - {"time_from"}


def test_an_event_gets_its_derived_columns() -> None:
    """Day, hour, status class, error, bot and family follow from the event, in UTC."""
    row = event(
        message(timestamp="2026-05-01T01:30:00+02:00", status_code=503, user_agent="curl/8.5.0")
    )

    assert {name: row[name] for name in DerivedFields.__slots__} == {
        "date": date(2026, 4, 30),
        "hour": 23,
        "status_class": "5xx",
        "is_error": True,
        "is_bot": True,
        "client_family": "curl",
    }


@pytest.mark.parametrize("status", [100, 199, 200, 399, 400, 599])
def test_a_status_has_its_class(status: int) -> None:
    """The status class is the hundreds of the status; an error is 400 or more."""
    row = event(message(status_code=status))

    assert (row["status_class"], row["is_error"]) == (f"{status // 100}xx", status >= 400)


def test_a_finer_time_is_rounded_to_the_microsecond() -> None:
    """A timestamp keeps six digits of its seconds, the rest is rounded."""
    row = event(message(timestamp="2026-05-01T11:59:30.1234567Z"))

    assert row["timestamp"] == TAKEN - timedelta(seconds=29.876543)


def test_the_origin_travels_with_each_row() -> None:
    """Events and rejects keep topic, partition, offset and broker time, in their order."""
    events, rejects = decoded(b"", message(), None, message(event_id="e-2"))

    assert events.column("_offset").to_pylist() == [1, 3]
    assert rejects.column("_offset").to_pylist() == [0, 2]
    assert set(events.column("_kafka_timestamp").to_pylist()) == {TAKEN}


@pytest.mark.parametrize("payloads", [[], [message()], [b""], [message(), None]])
def test_the_schemas_are_those_of_the_tables(payloads: list[bytes | None]) -> None:
    """Any batch, also an empty one, has the columns of the tables but what the commit adds."""
    events, rejects = decoded(*payloads)

    assert events.schema.equals(pa.schema(list(LOGS.columns)[:-3]), check_metadata=True)
    assert rejects.schema.equals(pa.schema(list(QUARANTINE.columns)[:-3]), check_metadata=True)
    assert [events.schema, rejects.schema] == [EVENTS, REJECTS]


def test_a_slice_of_a_batch_decodes_as_its_rows() -> None:
    """Rows outside a slice are not looked at, though Arrow still holds their bytes."""
    batch = raw([b"\xff", message(), None, message(event_id="e-2"), b"{"])

    assert decode(batch.slice(1, 1), LIMITS).events.num_rows == 1
    assert decode(batch.slice(1, 3), LIMITS).rejects.column("reason").to_pylist() == ["empty"]


def test_raw_rows_are_what_kafka_gives() -> None:
    """The input is the payload and where it came from."""
    assert RAW.names == ["value", "_topic", "_partition", "_offset", "_kafka_timestamp"]
