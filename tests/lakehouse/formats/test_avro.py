"""Avro of a schema registry becomes fields, exactly; no record or schema stops a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.schemas import Known

from lakehouse.formats.format import Fault
from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas.lookup import AVRO, Part, Written, asking
from lakehouse.formats.schemas.weight import Budget

READING = Reading(format="avro")
HEADER = b"\x00\x00\x00\x00\x07"
TOO_MANY = "it holds too many values for its length"
NULLS = {"type": "array", "items": "null"}
NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}, {"name": "v", "type": "boolean"}],
}


def record(*fields: tuple[str, Any], name: str = "R", **more: Any) -> dict[str, Any]:
    """A schema of a record with these fields."""
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": one, "type": of} for one, of in fields],
    } | more


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name} | more


def number(value: int) -> bytes:
    """A long as Avro writes it."""
    left, found = (value << 1) ^ (value >> 63), b""
    while left > 0x7F:
        left, found = left >> 7, found + bytes([left & 0x7F | 0x80])
    return found + bytes([left])


def made(schema: Any, body: bytes, **parts: Any) -> dict[str, Any] | Fault:
    """The message of a record whose schema is number 7; `parts` are those that it names."""
    named = tuple(Part(name, json.dumps(text)) for name, text in parts.items())
    known = Known({7: Written(AVRO, json.dumps(schema), named)})
    with asking(known):
        found = messages([HEADER + body], READING)
    if found.faults:
        return found.faults[0]
    return msgspec.json.decode(found.payloads[0] or b"")  # type: ignore[no-any-return]


def written(schema: Any, value: Any) -> bytes:
    """A record by a schema."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


def of(kind: Any, value: Any) -> Any:
    """What becomes of a field of a type."""
    schema = record(("x", kind))
    found = made(schema, written(schema, {"x": value}))
    assert isinstance(found, dict), found
    return found.get("x")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("long", 2**63 - 1, 2**63 - 1),
        ("long", -(2**63), -(2**63)),
        ("bytes", b"\x00\xff", "AP8="),
        ("double", float("nan"), "NaN"),
        ("float", 0.1, 0.1),
        ("string", "\u00e9\u0000", "\u00e9\u0000"),
        ({"type": "enum", "name": "K", "symbols": ["A", "B"]}, "B", "B"),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", "YWI="),
        ({"type": "map", "values": {"type": "array", "items": "long"}}, {"a": [1]}, {"a": [1]}),
        (logical("int", "date"), date(1969, 12, 31), "1969-12-31"),
        (logical("long", "timestamp-nanos"), 1, "1970-01-01T00:00:00.000000001Z"),
        (logical("long", "timestamp-millis"), -1, "1969-12-31T23:59:59.999Z"),
        (logical("long", "timestamp-micros"), 2**62, 2**62),
        (logical("long", "local-timestamp-millis"), 5, "1970-01-01T00:00:00.005"),
        (logical("int", "time-millis"), 3_600_001, "01:00:00.001"),
        (logical("string", "uuid"), str(UUID(int=1)), str(UUID(int=1))),
        (logical("string", "of somebody else"), "a", "a"),
        (["null", "long"], None, None),
        (["null", logical("int", "date"), logical("long", "timestamp-millis")], 0, "1970-01-01"),
    ],
)
def test_values_are_those_that_were_written(kind: Any, value: Any, shown: Any) -> None:
    """Whatever JSON has no form of its own for is text that says the same."""
    assert of(kind, value) == shown


def test_decimals_keep_all_their_digits() -> None:
    """As a number, whose last zeros count too."""
    kind = logical("bytes", "decimal", precision=40, scale=4)
    schema = record(("x", kind))
    body = written(schema, {"x": Decimal("-12345678901234567890123.4500")})
    with asking(Known({7: Written(AVRO, json.dumps(schema))})):
        found = messages([HEADER + body], READING).payloads[0] or b""
    assert b'"x":-12345678901234567890123.4500' in found


def test_kinds_of_records_in_a_union_are_told_apart() -> None:
    """Paid and refunded may have the same fields."""
    union = [record(("n", "int"), name="Paid"), record(("n", "int"), name="Refunded")]
    assert of(union, ("Refunded", {"n": 1})) == {"n": 1, "@type": "Refunded"}


def test_a_schema_may_name_others() -> None:
    """Types of a reference count by their full names, wherever they stand."""
    user = record(("id", "long"), name="User", namespace="a.b")
    schema = record(("user", "a.b.User"), ("again", ["null", "User"]), namespace="a.b")
    body = number(5) + number(1) + number(6)
    assert made(schema, body, user=user) == {"user": {"id": 5}, "again": {"id": 6}}
    fault = made(schema, body)
    assert isinstance(fault, Fault)
    assert fault.reason == "bad_schema"
    assert "a.b.User" in fault.detail


def test_the_top_may_be_a_union_of_named_schemas() -> None:
    """Several kinds of events in one topic, as registries advise."""
    paid, refunded = record(("n", "int"), name="Paid"), record(("n", "int"), name="Refunded")
    found = made(["Paid", "Refunded"], number(1) + number(4), Paid=paid, Refunded=refunded)
    assert found == {"n": 4, "@type": "Refunded"}


def test_a_type_may_have_no_namespace_within_one() -> None:
    """Where its own is empty; without one of its own it has that around it."""
    inner = record(("n", "int"), name="Inner", namespace="")
    schema = record(("a", inner), ("b", "Inner"), ("c", ["Inner", "Outer"]), namespace="a.b")
    outer = record(("n", "int"), name="Outer", namespace="a.b")
    body = number(1) + number(2) + number(0) + number(3)
    found = made(schema, body, outer=outer)
    assert found == {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3, "@type": "Inner"}}


def array(items: Any) -> dict[str, Any]:
    return record(("x", {"type": "array", "items": items}))


def enum(*symbols: str) -> dict[str, Any]:
    return {"type": "enum", "name": "K", "symbols": [*symbols]}


NAME = "n" * 1000
KINDS = [record(name=NAME), record(("b", "boolean"), name="B")]
HOSTILE: Mapping[str, tuple[Any, bytes, str]] = {
    "announced": (record(("x", {"type": "array", "items": "long"})), number(2**60), "bad_format"),
    "nothing, often": (record(("x", NULLS)), number(2**60), "over_budget"),
    "nothing, in blocks": (record(("x", NULLS)), number(999) * 9999, "over_budget"),
    "no fields, often": (
        record(("x", {"type": "array", "items": record(name="E")})),
        number(-(2**60)) + number(0),
        "over_budget",
    ),
    "long names of fields": (
        array(record((NAME, "boolean"), name="E")),
        number(300) + b"\x01" * 300 + b"\x00",
        "over_budget",
    ),
    "long symbols": (array(enum(NAME)), number(300) + b"\x00" * 301, "over_budget"),
    "long names of kinds": (array(KINDS), number(300) + b"\x00" * 301, "over_budget"),
    "long names of nothing": (
        array(record((NAME, "null"), name="E")),
        number(20) + b"\x00",
        "over_budget",
    ),
    "nothing, thousands of times": (record(("x", NULLS)), number(6_400) + b"\x00", "over_budget"),
    "decimals of many digits": (
        array(logical("bytes", "decimal", precision=1000, scale=1000)),
        number(1000) + (number(1) + b"\x01") * 1000 + b"\x00",
        "over_budget",
    ),
    "deep": (NODE, number(1) * 900_000, "over_budget"),
    "a long text": (record(("x", "string")), number(2**62) + b"a", "bad_format"),
    "a negative text": (record(("x", "string")), number(-9) + b"a" * 20, "bad_format"),
    "half a letter": (record(("x", "string")), number(1) + b"\xc3", "bad_format"),
    "no branch": (record(("x", ["null", "long"])), number(7), "bad_format"),
    "a number without end": (record(("x", "long")), b"\xff" * 300_000, "bad_format"),
    "too long": (record(("x", "string")), b"a" * (1 << 20), "over_budget"),
    "trailing": (record(("x", "long")), number(1) + b"\x00", "bad_format"),
    "no object": ("string", number(1) + b"a", "not_an_object"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_are_refused(name: str) -> None:
    """Nothing is made of what a record only announces."""
    schema, body, reason = HOSTILE[name]
    found = made(schema, body)
    assert isinstance(found, Fault)
    assert found.reason == reason


def test_nothing_is_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is announced: no step is taken for each."""
    taken, take = list[int](), Budget.take
    monkeypatch.setattr(Budget, "take", lambda of, n: (taken.append(n), take(of, n)))
    assert made(record(("x", NULLS)), number(2**40)) == Fault("over_budget", TOO_MANY)
    assert len(taken) < 5


@pytest.mark.parametrize("count", [1, 300])
def test_what_is_usual_is_read(count: int) -> None:
    """Records of many fields that are not there, and lists of them."""
    wide = record(*((f"a_field_of_a_usual_name_{n}", ["null", "long"]) for n in range(count)))
    found = made(array(wide | {"name": "E"}), number(4) + b"\x00" * (4 * count + 1))
    assert isinstance(found, dict), found
    assert len(found["x"]) == 4


def _doubled(levels: int) -> dict[str, Any]:
    """A schema whose record holds 2^levels records, none of which has a byte."""
    names: list[Any] = [record(name="R0")]
    for level in range(1, levels):
        names.append(record(("a", names[-1]), ("b", f"R{level - 1}"), name=f"R{level}"))
    return names[-1]  # type: ignore[no-any-return]


def _nested(levels: int) -> Any:
    found: Any = "long"
    for _ in range(levels):
        found = {"type": "array", "items": found}
    return found


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (_doubled(30), "over_budget"),
        (_doubled(60), "over_budget"),
        (_nested(400), "bad_schema"),
        (record(("x", "Nowhere")), "bad_schema"),
        (record(("x", "long"), ("x", "long")), "bad_schema"),
        ({"type": "record", "name": "R"}, "bad_schema"),
        ({"type": "fixed", "name": "R", "size": -1}, "bad_schema"),
        ({"type": {"type": {"type": "no"}}}, "bad_schema"),
        (record(("n" * 1025, "long")), "bad_schema"),
        (record(("x", enum("A", "\u00e9" * 513))), "bad_schema"),
        (record(("x", [record(name="n" * 1025), record(name="B")])), "bad_schema"),
        (7, "bad_schema"),
        (None, "bad_schema"),
    ],
)
def test_hostile_schemas_are_refused(schema: Any, reason: str) -> None:
    """Also one that is small itself, and whose records are not."""
    found = made(schema, b"")
    assert isinstance(found, Fault)
    assert found.reason == reason


@pytest.mark.random
@given(st.binary(max_size=200), st.sampled_from([schema for schema, *_ in HOSTILE.values()]))
def test_any_bytes_give_a_message_or_a_fault(body: bytes, schema: Any) -> None:
    """And never an exception, nor a fault of ours."""
    found = made(schema, body)
    assert not isinstance(found, Fault) or found.reason != "not_decoded"


@pytest.mark.random
@given(
    st.fixed_dictionaries(
        {
            "a": st.integers(-(2**63), 2**63 - 1),
            "b": st.one_of(st.none(), st.text(), st.integers(-(2**31), 2**31 - 1)),
            "c": st.lists(st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3)),
            "t": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
        }
    )
)
def test_what_is_written_is_read(value: dict[str, Any]) -> None:
    """Both ways are of one library; what is between is ours."""
    schema = record(
        ("a", "long"),
        ("b", ["null", "string", "int"]),
        ("c", {"type": "array", "items": {"type": "map", "values": "boolean"}}),
        ("t", logical("long", "timestamp-micros")),
    )
    given = value | {"t": value["t"].replace(tzinfo=UTC)}
    found = made(schema, written(schema, given))
    assert isinstance(found, dict)
    assert {key: found.get(key) for key in "abc"} == {key: value[key] for key in "abc"}
    assert datetime.fromisoformat(found["t"]) == given["t"]
