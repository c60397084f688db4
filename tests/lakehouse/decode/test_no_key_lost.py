"""Every leaf of an accepted payload is in a column or in `attributes`, and nothing else is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import EVENT, LIMITS, decoded, event, message, raw, written

from lakehouse.decode import decode
from lakehouse.decode.leftover.pairs import OverBudget, attributes
from lakehouse.decode.parser import FEWEST
from lakehouse.decode.wire import NAMES
from lakehouse.event.severity import severity

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="#"), max_size=6)
KEYS = TEXT | st.sampled_from([*NAMES, "a", "b", "a.b"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
LEVELS = st.sampled_from(["warn", "E", "loud", "", 40, 4, 99, 4.0])
VALUES = st.recursive(
    SCALARS | LEVELS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
SHAPES = st.dictionaries(KEYS, VALUES, max_size=12).map(lambda changes: EVENT | changes)


class Number(str):
    """A number as it is written."""


def as_json(value: Any) -> str:
    """JSON without blanks, with numbers as they were written."""
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(k)}:{as_json(v)}' for k, v in value.items())}}}"
    return value if isinstance(value, Number) else json.dumps(value)


def leaves(of: dict[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a JSON object by their keys, as a person would list them."""
    for name, value in of.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{within}{name}.")
        elif value is not None:
            is_plain = isinstance(value, str) and not isinstance(value, Number)
            yield within + name, value if is_plain else as_json(value)


def in_column(name: str, value: Any, row: dict[str, Any]) -> bool:
    """Whether a column has what a field of a payload said."""
    if name == "timestamp":
        return bool(row[name] == datetime.fromisoformat(value))
    if name == "level":
        return bool(row[name] == severity(str(value)).level)  # type: ignore[union-attr]
    return bool(row[name] == type(row[name])(value))


@given(SHAPES)
def test_no_key_is_lost(shape: dict[str, Any]) -> None:
    """The leaves of a payload are those of its row: in columns where they fit, else attributes."""
    events, _ = decoded(json.dumps(shape).encode())
    for row in events.to_pylist():
        misfits = row["_misfits"] or []
        taken = {
            n: v for n, v in shape.items() if n in NAMES and n not in misfits and v is not None
        }
        as_is = json.loads(json.dumps(shape), parse_float=Number, parse_int=Number)
        rest = {n: v for n, v in as_is.items() if n not in taken}

        found = Counter((re.sub(r"#\d+$", "", k), text) for k, text in row["attributes"] or [])
        assert found == Counter(leaves(rest))
        assert [n for n, v in taken.items() if not in_column(n, v, row)] == []
        absent = {*NAMES} - {*taken, "event_id", "level", "severity_number"}
        assert [name for name in absent if row[name] is not None] == []


@given(st.lists(SHAPES, min_size=1, max_size=3))
def test_a_row_is_the_same_in_company(shapes: list[dict[str, Any]]) -> None:
    """A record gives the same row alone as in a batch whose keys the decoder has learned."""
    payloads = [json.dumps(shape).encode() for shape in shapes]
    count = FEWEST // len(payloads) + 1
    alone = decoded(*payloads)

    crowd = decode(raw(payloads * count), LIMITS)

    assert crowd.events.num_rows == count * alone.events.num_rows
    assert crowd.events.slice(0, alone.events.num_rows).equals(alone.events)
    assert crowd.rejects.slice(0, alone.rejects.num_rows).equals(alone.rejects)


@pytest.mark.parametrize(
    ("written_as", "text"),
    [
        ("1.50", "1.50"),
        ("-0", "-0"),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ("true", "true"),
        ('[1.50,\n  "a, [ b", {"c" :\t[ ]}]', '[1.50,"a, [ b",{"c":[]}]'),
        ('["\\" ]", 1]', '["\\" ]",1]'),
        ("{}", "{}"),
        ("{ }", "{}"),
        ('"\\u00e9"', "é"),
    ],
)
@pytest.mark.parametrize("count", [1, FEWEST])
def test_values_are_as_they_were_written(written_as: str, text: str, count: int) -> None:
    """Numbers, true and false are not changed; lists and objects have no blanks between their
    parts; text is as it was meant."""
    events, _ = decode(raw([written(other=written_as)] * count), LIMITS)

    assert events["attributes"].to_pylist() == [[("other", text)]] * count


def test_null_is_no_value() -> None:
    """A key whose value is null leaves nothing, at any depth."""
    assert event(message(other=None, more={"inner": None}))["attributes"] is None


def test_a_text_is_cut_at_a_character_and_marked() -> None:
    """What is longer than the budget of a field ends before the character that is over it."""
    row = event(message(message="é" * 40_000, other="x" * 70_000))

    assert row["message"] == "é" * 32_768
    assert dict(row["attributes"]) == {"other": "x" * 65_536}
    assert row["_misfits"] == ["message:cut", "other:cut"]


ODD = ["{}", '{"a": null}', '{"a": {}, "b": 1.50}', "null", '"x"', "7", "[{}]", '{"c": "\\u00e9"}']


@pytest.mark.parametrize("odd", [*ODD, '{"a": {"d": null}}', '{"a": {"d": {}}, "a.d": 1}'])
def test_objects_within_are_the_same_in_company(odd: str) -> None:
    """Also one that is empty, or is none, where all others of its batch have the same keys."""
    usual = written(more='{"a": {"d": "x", "e": [1.0]}, "b": 2.50}')
    unlike = written(more=odd)
    alone = decoded(usual, unlike)

    events, _ = decode(raw([usual, *[unlike] * 3, *[usual] * FEWEST]), LIMITS)

    assert events["attributes"].to_pylist()[:2] == alone.events["attributes"].to_pylist()
    assert events["attributes"].to_pylist()[0] == [
        ("more.a.d", "x"),
        ("more.a.e", "[1.0]"),
        ("more.b", "2.50"),
    ]


@pytest.mark.parametrize("count", [1, FEWEST])
def test_an_object_with_too_many_keys_is_over_budget_in_company_too(count: int) -> None:
    """Where other records of its batch have a number under its key."""
    wide = message(other=dict.fromkeys(map(str, range(1001)), 1))
    found = decode(raw([wide, *[message(other=7)] * count]), LIMITS)

    (reject,) = found.rejects.to_pylist()
    assert (reject["reason"], reject["detail"]) == ("over_budget", "more than 1000 attributes")
    assert found.events.num_rows == count


def test_no_more_attributes_are_made_than_a_record_may_have() -> None:
    """A record of a million keys is refused at the first that is over the budget."""
    taken: list[str] = []
    budgets = replace(LIMITS.budgets, attributes=5)

    def parts() -> Iterator[tuple[str, msgspec.Raw]]:
        for name in map(str, range(100)):
            taken.append(name)
            yield name, msgspec.Raw(b"1")

    with pytest.raises(OverBudget):
        attributes(parts(), budgets)
    assert len(taken) == 6


def test_a_long_key_is_not_written_out_for_each_value_under_it() -> None:
    """Thousands of values under three hundred keys of two thousand bytes each: 6 GB of keys."""
    inner = dict.fromkeys(map(str, range(10_000)), 1)
    for _ in range(300):
        inner = {"k" * 2000: inner}  # type: ignore[dict-item]
    found = decode(raw([message(other=inner)]), LIMITS)

    assert found.rejects["detail"].to_pylist() == ["a key of more than 1024 bytes"]
