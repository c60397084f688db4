"""JSON that is read as it came gives the rows of the messages that the mapper makes of it."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import EVENT, LIMITS, message, raw

from lakehouse.decode import ITEM, Decoded, decode
from lakehouse.decode.parser import FEWEST
from lakehouse.decode.wire import NAMES
from lakehouse.formats.direct import direct
from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading

pytestmark = pytest.mark.slow

TIMES = ["2026-05-01 11:59:00Z", "2026-05-01T11:59:00.1234567Z", "2026-05-01", 1777636740, "soon"]
TEXTS = ["-", "", " NULL ", "\u00a0nil", "N/A ", "203.0.113.9:80", "203.0.113.9, 192.0.2.1", "::1"]
LINES = ["GET /a/7?x=1 HTTP/1.1", "/a/7?x=1", "say HTTP/2 ", "200", "12ms", "warn", "é", "\u00e9-"]
NUMBERS = [0, 7, 40, 200, 200.0, 1.50, 12.34567890123, -1, 10**20, True, None]
KEYS = st.sampled_from([*NAMES, "ts", "msg", "took", "a", "a.b"])
SCALARS = st.sampled_from([*TIMES, *TEXTS, *LINES, *NUMBERS])
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2)
SHAPES = st.builds(
    lambda base, gone, more: {k: v for k, v in base.items() if k not in gone} | more,
    st.sampled_from([EVENT, {"service": "cart"}]),
    st.sets(st.sampled_from(NAMES), max_size=4),
    st.dictionaries(KEYS, VALUES, max_size=5),
)
NAMED = {"ts": "timestamp", "msg": "message", "took": "response_time"}
READINGS = [
    Reading(),
    Reading(on_missing_time="previous"),
    Reading(zone="+02:00", constants={"environment": "prod", "level": "warn"}),
    Reading(mapping=NAMED, constants={"service": "shop"}),
    Reading(mapping=NAMED, units={"response_time": "ms"}, on_missing_time="reject"),
]
# Many at once, by day in two ways to read them.
MANY = [(FEWEST, one) for one in READINGS]
SIZES = [
    *((1, one) for one in READINGS),
    *(MANY[0], MANY[-1]),
    *(pytest.param(*one, marks=pytest.mark.nightly) for one in MANY[1:-1]),
]
# An event's number within its record: such rows are messages already.
NUMBER = 7777


def read(payloads: list[bytes | None], reading: Reading) -> Decoded:
    """What becomes of records, as they came."""
    return decode(raw(payloads), LIMITS, {"web-logs": reading})


def made(payloads: list[bytes | None], reading: Reading) -> Decoded:
    """What becomes of their messages."""
    rows = raw(messages(payloads, reading).payloads)
    numbers = pa.array([NUMBER] * rows.num_rows, ITEM.type)
    return decode(rows.append_column(ITEM, numbers), LIMITS, {"web-logs": reading})


def events(of: Decoded) -> list[dict[str, Any]]:
    """The events without the number that one of the ways gives them."""
    found = of.events.drop_columns([ITEM.name]).to_pylist()
    ids = [row["event_id"].removesuffix(f"/{NUMBER}") for row in found]
    return [row | {"event_id": name} for row, name in zip(found, ids, strict=True)]


@pytest.mark.parametrize(("count", "reading"), SIZES)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=3))
def test_both_ways_give_the_same_rows(
    reading: Reading, count: int, shapes: list[dict[str, Any]]
) -> None:
    """Alone, and in a batch whose keys the decoder has learned."""
    assert direct(reading)
    payloads: list[bytes | None] = [json.dumps(shape).encode() for shape in shapes]
    payloads *= count // len(payloads) + 1

    found, wanted = read(payloads, reading), made(payloads, reading)

    assert events(found) == events(wanted)
    assert found.rejects.num_rows == wanted.rejects.num_rows


@pytest.mark.parametrize(
    "reading",
    [Reading(), Reading(on_missing_time="reject"), Reading(mapping={"a.b": "user"})],
    ids=["as it came", "strict", "by the mapper"],
)
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "empty"),
        (b"", "syntax"),
        (b"{", "syntax"),
        (b'{"a": "\xff"}', "syntax"),
        (b'{"a": }', "syntax"),
        (b"[" * 500 + b"]" * 500, "syntax"),
        (b"[]", "not_an_object"),
        (b"7", "not_an_object"),
    ],
)
def test_what_is_no_object_is_a_reject(
    payload: bytes | None, reason: str, reading: Reading
) -> None:
    """It costs no other record, and has the same reason however its source is read."""
    found = read([message(), payload, message()], reading)

    (reject,) = found.rejects.to_pylist()
    assert reject["reason"] == reason
    assert found.events.num_rows == 2


@pytest.mark.parametrize(
    "reading",
    [
        Reading(on_missing_time="reject"),
        Reading(format="ecs"),
        Reading(mapping={"log.level": "level"}),
        Reading(mapping={"a": "path", "b": "path"}),
        Reading(mapping={"host": "ip"}),
        Reading(mapping={"a": ""}),
        Reading(mapping={"took": "response_time"}, units={"response_time": "s"}),
        Reading(constants={"status_code": "200"}),
        Reading(constants={"path": "/a/7"}),
    ],
)
def test_what_is_not_read_as_it_came(reading: Reading) -> None:
    """Strict JSON is a message already; the rest is more than other names for keys."""
    assert direct(reading) is None


@pytest.mark.parametrize("reading", [Reading(), Reading(mapping={"a.b": "user"})])
def test_numbers_are_as_they_were_written(reading: Reading) -> None:
    """Also where a value of the record is converted by the mapper."""
    record = b'{"service": "a", "status_code": "200", "x": 1.50, "y": {"z": [1e3, 2.0]}}'
    (row,) = read([record], reading).events.to_pylist()

    assert row["status_code"] == 200
    assert row["attributes"] == [("x", "1.50"), ("y.z", "[1e3,2.0]")]
