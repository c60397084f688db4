"""A tree as a condition of SQL. Pure.

What a person wrote goes through `value` of a dialect alone: it is bound, or quoted as the dialect
quotes. In a WHERE a condition may be NULL, which is no; below a NOT it is always yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from lakehouse.duck.types import literal
from lakehouse.query.search import fields
from lakehouse.query.search.fields import ATTRIBUTES, DATES, LISTS, Field, Kind
from lakehouse.query.search.levels import AS_WRITTEN
from lakehouse.query.search.tree import All, Between, Flag, Matches, Node, Not, Present, Term

# A text of an attribute that is a number: both engines cast nothing else.
NUMERIC = "[+-]?[0-9]{1,30}([.][0-9]{0,30})?([eE][+-]?[0-9]{1,2})?"
LIKE_SIGNS = re.compile(r"([%_!])")
SPARK_SIGNS = {"\\": "\\\\", "'": "\\'", "$": "\\u0024"}
Value = Callable[[Any], str]


@dataclass(frozen=True)
class Dialect:
    """How an engine writes what differs; `value` writes what a person gave."""

    value: Value
    name: Callable[[str], str]
    attribute: str
    is_numeric: str
    joined: str


def condition(node: Node, dialect: Dialect) -> str:
    """A condition that is true for the rows of `logs` that fit."""
    return _Writer(dialect).node(node, exact=False)


def text(field: Field, dialect: Dialect) -> str:
    """The value of a field as text, NULL where a row has none."""
    column = _Writer(dialect).text(field)
    is_text = field.kind in (Kind.WORD, Kind.TEXT, Kind.LEVEL, Kind.ATTRIBUTE)
    return column if is_text else f"CAST({column} AS VARCHAR)"


def bound(prefix: str) -> tuple[Dialect, dict[str, Any]]:
    """DuckDB's dialect with values bound as `$<prefix>0` ..., and what to bind to them.

    The values are there when the condition is written.
    """
    given: dict[str, Any] = {}

    def value(one: Any) -> str:
        name = f"{prefix}{len(given)}"
        given[name] = one
        return f"${name}"

    return replace(DUCKDB, value=value), given


@dataclass(frozen=True)
class _Writer:
    dialect: Dialect

    def node(self, node: Node, exact: bool) -> str:
        """A condition; `exact`: one that is never NULL."""
        if isinstance(node, Term):
            found = self.term(node)
            return f"coalesce({found}, false)" if exact else found
        if isinstance(node, Not):
            return f"(NOT {self.node(node.part, exact=True)})"
        if isinstance(node, All):
            return f"({' AND '.join(self.node(one, exact) for one in node.parts) or 'true'})"
        return f"({' OR '.join(self.node(one, exact) for one in node.parts)})"

    def term(self, term: Term) -> str:
        if term.field is None:
            assert isinstance(term.test, Matches)
            return self.anywhere(term.test)
        if isinstance(term.test, Matches):
            return self.matches(self.text(term.field), term.test)
        if isinstance(term.test, Present):
            return f"({self.column(term.field)} IS NOT NULL)"
        if isinstance(term.test, Flag):
            return f"({self.column(term.field)} = {str(term.test.value).lower()})"
        return self.between(term.field, term.test)

    def column(self, field: Field) -> str:
        if field.column == ATTRIBUTES:
            key = self.dialect.value(field.key)
            return self.dialect.attribute.format(map=self.dialect.name(ATTRIBUTES), key=key)
        return self.dialect.name(field.column)

    def text(self, field: Field) -> str:
        column = self.column(field)
        return self.dialect.joined.format(list=column) if field.column in LISTS else column

    def anywhere(self, test: Matches) -> str:
        """A text in any of the texts of an event, or the whole of one of its names."""
        within = [self.matches(self.dialect.name(c), test) for c in _there(fields.SEARCHED)]
        if len(test.pieces) == 3:
            whole = self.dialect.value(test.pieces[1])
            within += [f"{self.dialect.name(c)} = {whole}" for c in _there(fields.NAMES)]
        return f"({' OR '.join(within)})"

    def matches(self, text: str, test: Matches) -> str:
        value = self.dialect.value
        if len(test.pieces) == 1:
            return f"(lower({text}) = lower({value(test.pieces[0])}))"
        if len(test.pieces) == 3 and not test.pieces[0] and not test.pieces[2]:
            return f"contains(lower({text}), lower({value(test.pieces[1])}))"
        pattern = "%".join(LIKE_SIGNS.sub(r"!\1", piece) for piece in test.pieces)
        return f"(lower({text}) LIKE lower({value(pattern)}) ESCAPE '!')"

    def between(self, field: Field, test: Between) -> str:
        of, ends = self.ordered(field), []
        value = self.dialect.value
        low, high = _ends(field, test)
        if test.low is not None:
            ends.append(f"{of} {'>' if test.low_open else '>='} {value(low)}")
        if test.high is not None:
            ends.append(f"{of} {'<' if test.high_open else '<='} {value(high)}")
        # a time says which days, which are partitions
        if field.column == "timestamp" and isinstance(low, datetime):
            ends.append(f"{self.dialect.name('date')} >= {value(low.date())}")
        if field.column == "timestamp" and isinstance(high, datetime):
            ends.append(f"{self.dialect.name('date')} <= {value(high.date())}")
        return f"({' AND '.join(ends)})"

    def ordered(self, field: Field) -> str:
        """What of a field is compared: a number, a time, the severity of a level."""
        if field.column == ATTRIBUTES:
            text = self.column(field)
            is_numeric = self.dialect.is_numeric.format(text=text, pattern=NUMERIC)
            return f"TRY_CAST(CASE WHEN {is_numeric} THEN {text} END AS DOUBLE)"
        return self.severity() if field.column == "level" else self.column(field)

    def severity(self) -> str:
        """The severity of a row: its number, or what its level says."""
        cases = " ".join(f"WHEN '{name}' THEN {number}" for name, number in AS_WRITTEN.items())
        by_name = f"CASE upper({self.dialect.name('level')}) {cases} END"
        return f"coalesce({self.dialect.name('severity_number')}, {by_name})"


def _ends(field: Field, test: Between) -> tuple[Any, Any]:
    if field.column not in DATES:
        return test.low, test.high
    return _day(test.low), _day(test.high)


def _day(at: Any) -> Any:
    return at.date() if isinstance(at, datetime) else at


def _there(columns: tuple[str, ...]) -> list[str]:
    return [column for column in columns if fields.has(column)]


def _duckdb_literal(value: Any) -> str:
    if isinstance(value, str):
        return literal(value)
    return _plain_literal(value, "TIMESTAMPTZ")


def _spark_literal(value: Any) -> str:
    if isinstance(value, str):
        # a $ as itself may be that of a variable, which Spark replaces before it reads a statement
        return "'" + "".join(SPARK_SIGNS.get(sign, sign) for sign in value) + "'"
    return _plain_literal(value, "TIMESTAMP")


def _plain_literal(value: Any, instant: str) -> str:
    if isinstance(value, datetime):
        return f"CAST('{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00' AS {instant})"
    if isinstance(value, date):
        return f"CAST('{value:%Y-%m-%d}' AS DATE)"
    return str(value) if isinstance(value, int) else f"CAST('{value!r}' AS DOUBLE)"


DUCKDB = Dialect(
    value=_duckdb_literal,
    name=lambda name: f'"{name}"',
    attribute="{map}[{key}]",
    is_numeric="regexp_full_match({text}, '{pattern}')",
    joined="array_to_string({list}, ' ')",
)
SPARK = Dialect(
    value=_spark_literal,
    name=lambda name: f"`{name}`",
    attribute="try_element_at({map}, {key})",
    is_numeric="({text} RLIKE '\\\\A{pattern}\\\\z')",
    joined="array_join({list}, ' ')",
)
