"""Headers of a record are attributes of its events, bounded alike, and kept in quarantine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from support.records import LIMITS, message, otlp_at, raw

from lakehouse.decode import HEADERS, Decoded, decode, original
from lakehouse.decode.leftover import headers
from lakehouse.decode.leftover.headers import PREFIX, UNREADABLE, Header
from lakehouse.formats.reading import Reading

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = ("traceparent", f"00-{TRACE}-{SPAN}-01".encode())
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
MANY = st.lists(st.tuples(TEXTS, st.none() | st.binary(max_size=8)), max_size=6)


def with_headers(
    payloads: Sequence[bytes | None], records: Sequence[Sequence[Header] | None]
) -> pa.RecordBatch:
    """Raw rows with these headers."""
    rows, column = raw(payloads), headers.column(records)
    return rows if column is None else rows.append_column(HEADERS, column)


def decoded(payload: bytes, *of: Header, **how: Any) -> Decoded:
    """What becomes of a record with these headers."""
    readings = {"web-logs": Reading(source="apps", **how)}
    return decode(with_headers([payload], [of]), LIMITS, readings)


def event(payload: bytes, *of: Header, **how: Any) -> dict[str, Any]:
    """The event of a record with these headers, its attributes as a dictionary."""
    (row,) = decoded(payload, *of, **how).events.to_pylist()
    assert len({key for key, _ in row["attributes"] or ()}) == len(row["attributes"] or ())
    return row | {"attributes": dict(row["attributes"] or ())}


def test_headers_are_attributes_of_their_event() -> None:
    """Each in its own row, beside what the record has itself; others have none."""
    records = [None, [("tenant", b"a"), ("none", None)], [], [("tenant", b"\xc3\xa9")]]
    payloads = [message(more="x"), message(more="y"), b"oops", message()]
    found = decode(with_headers(payloads, records), LIMITS).events
    assert found["attributes"].to_pylist() == [
        [("more", "x")],
        [("more", "y"), ("kafka.header.tenant", "a")],
        [("kafka.header.tenant", "é")],
    ]


def test_of_a_part_of_a_batch_each_has_its_own() -> None:
    """Rows are read by their source, in stretches: none gets the header of another."""
    rows = with_headers([message()] * 4, [[("n", b"%d" % n)] * n for n in range(4)])
    topics = pa.array(["web-logs", "other", "other", "web-logs"])
    rows = rows.set_column(1, rows.schema.field(1), topics)
    how = {"web-logs": Reading(source="a"), "other": Reading(source="b")}
    found = decode(rows, LIMITS, how).events["attributes"].to_pylist()
    assert [[value for _, value in each or ()] for each in found] == [
        [str(n)] * n for n in range(4)
    ]


def test_a_repeated_name_is_numbered() -> None:
    """Also where the record has a key of that name: both are kept."""
    found = event(
        message(**{f"{PREFIX}a": "own"}), ("a", b"1"), ("b", b"2"), ("a", b"3"), ("a#2", b"4")
    )
    texts = {"a": "own", "a#2": "1", "b": "2", "a#3": "3", "a#2#2": "4"}
    assert found["attributes"] == {f"{PREFIX}{name}": text for name, text in texts.items()}


def test_bytes_are_base64() -> None:
    """And the row says so."""
    found = event(message(), ("id", b"\xff\x00"), ("text", b"x"))
    assert found["attributes"] == {"kafka.header.id": "/wA=", "kafka.header.text": "x"}
    assert found["_misfits"] == ["kafka.header.id:base64"]


@pytest.mark.parametrize("value", ["é".encode() * 40_000, b"\xff" * 70_000])
def test_a_long_value_is_cut_or_its_record_refused(value: bytes) -> None:
    """As any text of a record, by the same setting."""
    found = event(message(), ("long", value))
    assert len(found["attributes"]["kafka.header.long"].encode()) == 1 << 16
    assert found["_misfits"][-1] == "kafka.header.long:cut"
    strict = decoded(message(), ("long", value), on_long_text="reject")
    assert strict.rejects["reason"].to_pylist() == ["over_budget"]
    assert strict.events.num_rows == 0


@pytest.mark.parametrize(
    ("of", "reason", "detail"),
    [
        ([("a", b"")] * 1001, "over_budget", "more than 1000 headers"),
        ([("a" * 1025, b"")], "over_budget", "a header's name has more than 1024 bytes"),
        ([("a", b"x" * 60_000)] * 18, "over_budget", "headers of more than 1048576 bytes"),
        (UNREADABLE, "bad_format", "its headers cannot be read"),
    ],
)
def test_hostile_headers_cost_their_record_alone(
    of: list[Header], reason: str, detail: str
) -> None:
    """It is in quarantine with its payload, from where a source without headers takes it."""
    rows = with_headers([message(), message(), message()], [[("a", b"1")], of, None])
    found = decode(rows, LIMITS)
    (reject,) = found.rejects.to_pylist()
    assert (reject["reason"], reject["_offset"]) == (reason, 1)
    assert detail in reject["detail"]
    assert found.events["_offset"].to_pylist() == [0, 2]
    again = decode(rows, LIMITS, {"web-logs": Reading(headers=False)})
    assert (again.events.num_rows, again.rejects.num_rows) == (3, 0)


@pytest.mark.parametrize(
    ("wanted", "names"), [(True, ["a", "b"]), (False, []), (("b", "c"), ["b"]), ((), [])]
)
def test_a_source_says_which_headers_it_wants(wanted: Any, names: list[str]) -> None:
    """All, none, or those of a list."""
    found = event(message(), ("a", b"1"), ("b", b"2"), headers=wanted)
    assert [*found["attributes"]] == [PREFIX + name for name in names]


def test_a_trace_is_that_of_the_header() -> None:
    """Where the record names none, and the header is one."""
    found = event(message(), PARENT)
    assert (found["trace_id"], found["span_id"]) == (TRACE, SPAN)
    own = event(message(trace_id="own"), PARENT)
    assert (own["trace_id"], own["span_id"]) == ("own", None)
    for none in (
        f"00-{'0' * 32}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        TRACE,
        f"{PARENT[1].decode()}ZZ",
        "",
    ):
        assert event(message(), ("traceparent", none.encode()))["trace_id"] is None


def test_events_of_one_record_share_its_headers() -> None:
    """Each has all of them."""
    rows = with_headers([otlp_at("2026-05-01T11:59:00Z", "2026-05-01T11:59:01Z")], [[("a", b"1")]])
    found = decode(rows, LIMITS, {"web-logs": Reading(format="otlp")}).events
    assert [dict(each)["kafka.header.a"] for each in found["attributes"].to_pylist()] == ["1", "1"]


def test_headers_are_not_repeated_without_bound() -> None:
    """A record of many events multiplies them: it is refused before they are made."""
    many = otlp_at(*["2026-05-01T11:59:00Z"] * 100)
    rows = with_headers([many, many], [[("a", b"x" * 60_000)] * 8, [("a", b"1")]])
    found = decode(rows, LIMITS, {"web-logs": Reading(format="otlp")})
    (reject,) = found.rejects.to_pylist()
    assert (reject["reason"], reject["_offset"], reject["_item"]) == ("over_budget", 0, None)
    assert original(reject) == many
    assert found.events["_offset"].to_pylist() == [1] * 100
    lax = decode(rows, LIMITS, {"web-logs": Reading(format="otlp", headers=False)})
    assert (lax.events.num_rows, lax.rejects.num_rows) == (200, 0)


def test_headers_repeated_in_events_are_in_proportion_to_their_record() -> None:
    """Many small records with small headers would unfold to gigabytes together."""
    many = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[LogRecord()] * 1200)])]
    ).SerializeToString()
    rows = with_headers([many] * 2, [[("a", b"x" * 2400)], [("a", b"x")]])
    lax = Reading(format="otlp", on_missing_time="broker", default_service="s")
    found = decode(rows, LIMITS, {"web-logs": lax})
    (reject,) = found.rejects.to_pylist()
    assert (reject["reason"], reject["_offset"], reject["_item"]) == ("over_budget", 0, None)
    assert found.events["_offset"].to_pylist() == [1] * 1200


@given(st.lists(MANY, min_size=1, max_size=5))
def test_quarantine_keeps_headers_as_they_came(records: list[list[Header]]) -> None:
    """Whatever is in them: read again, they are the same; a record without is as before."""
    rejects = decode(with_headers([b"oops"] * len(records), records), LIMITS).rejects
    kept = headers.read(rejects["headers"].to_pylist())
    wanted = headers.column(records)
    assert kept == wanted if wanted is None else kept.to_pylist() == wanted.to_pylist()


def test_headers_that_were_cut_are_not_taken_for_all() -> None:
    """Quarantine holds so much; the replay refuses what is not whole."""
    capped = dataclasses.replace(LIMITS, payload_cap=100)
    rejects = decode(with_headers([b"{}"], [[("a", b"x" * 200)]]), capped).rejects
    (text,) = rejects["headers"].to_pylist()
    assert len(text) == 100
    column = headers.read([text])
    assert column.to_pylist() == headers.column([UNREADABLE]).to_pylist()
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@given(st.lists(MANY, min_size=1, max_size=5), st.booleans())
def test_any_headers_are_decoded(records: list[list[Header]], is_bad: bool) -> None:
    """Every record comes out once, and every value is in its event."""
    payloads = [b"oops" if is_bad and not n else message(n=n) for n in range(len(records))]
    found = decode(with_headers(payloads, records), LIMITS)
    assert found.events.num_rows + found.rejects.num_rows == len(records)
    for row in found.events.to_pylist():
        values = [value for _, value in records[row["_offset"]] if value is not None]
        given_ = [key for key, _ in row["attributes"] if key.startswith(PREFIX)]
        assert len(set(given_)) == len(given_) == len(values)
