"""What a query of logs means, row by row in plain Python: what both engines are held against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from lakehouse.query.search import fields, levels
from lakehouse.query.search.fields import ATTRIBUTES, DATES, LISTS, Field
from lakehouse.query.search.sql import NUMERIC
from lakehouse.query.search.tree import All, Between, Flag, Matches, Node, Not, Present, Some, Term

Row = Mapping[str, Any]


def fits(row: Row, node: Node) -> bool:
    """Whether a row fits a tree."""
    if isinstance(node, Term):
        return _term(row, node)
    if isinstance(node, Not):
        return not fits(row, node.part)
    if isinstance(node, All):
        return all(fits(row, part) for part in node.parts)
    assert isinstance(node, Some)
    return any(fits(row, part) for part in node.parts)


def _term(row: Row, term: Term) -> bool:
    test = term.test
    if term.field is None:
        assert isinstance(test, Matches)
        within = any(_matches(row.get(name), test) for name in fields.SEARCHED)
        return within or any(row.get(name) == "".join(test.pieces) for name in fields.NAMES)
    value = _value(row, term.field)
    if isinstance(test, Present):
        return value is not None
    if isinstance(test, Flag):
        return value is test.value
    if isinstance(test, Matches):
        return _matches(" ".join(value or ()) if term.field.column in LISTS else value, test)
    return _between(_ordered(row, term.field), test, term.field)


def _value(row: Row, field: Field) -> Any:
    if field.column == ATTRIBUTES:
        return dict(row.get(ATTRIBUTES) or ()).get(field.key)
    return row.get(field.column)


def _matches(text: str | None, test: Matches) -> bool:
    pattern = ".*".join(re.escape(piece.lower()) for piece in test.pieces)
    return text is not None and re.fullmatch(pattern, text.lower(), re.DOTALL) is not None


def _ordered(row: Row, field: Field) -> Any:
    value = _value(row, field)
    if field.column == ATTRIBUTES:
        return float(value) if value is not None and re.fullmatch(NUMERIC, value) else None
    if field.column == "level":
        number = row.get("severity_number")
        return levels.AS_WRITTEN.get((value or "").upper()) if number is None else number
    return value


def _between(value: Any, test: Between, field: Field) -> bool:
    if value is None:
        return False
    low, high = (_day(end) if field.column in DATES else end for end in (test.low, test.high))
    above = low is None or value > low or (value == low and not test.low_open)
    below = high is None or value < high or (value == high and not test.high_open)
    return bool(above and below)


def _day(at: Any) -> date | None:
    return at.date() if isinstance(at, datetime) else at
