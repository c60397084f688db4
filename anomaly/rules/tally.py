"""What a rule counts by minute, group and slot, and the SQL that counts it. Pure.

It is counted from closed minutes where these hold it, else from rows of `logs`: both give the same
numbers, so a rule is the same rule with either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from anomaly.engine.columns import Ints
from anomaly.rules.condition import Slots
from anomaly.rules.kinds.percentile import LEAST, WIDTH
from anomaly.rules.kinds.value import MOST, SCALE
from anomaly.rules.rule import Rule
from lakehouse.query.search import DUCKDB, Node, condition, text
from lakehouse.query.search.fields import Field
from lakehouse.query.search.tree import EVERY, All, Between, Flag, Not, Some, Term
from lakehouse.tables.measures import BUCKET

Group = tuple[str, ...]
# A value that a row does not have, and how long a name of a group is at most.
NOTHING, LONGEST = "(none)", 200
KEYS = ("service", "endpoint")
ROWS, CLIENT, SERVER = "request_count", "client_errors", "server_errors"
HISTOGRAM, TIMED = "_response_time_histogram", "response_time"


@dataclass(frozen=True)
class Tallies:
    """Counts in order of minutes: of each its minute, the number of its group, slot and rows."""

    groups: Sequence[Group]
    at: Ints
    group: Ints
    slot: Ints
    n: Ints


# SQL for the name that a value has as a part of a group.
NAMED_AS = (
    "substr(coalesce(nullif(replace(CAST({} AS VARCHAR), chr(31), ' '), ''), "
    f"'{NOTHING}'), 1, {LONGEST})"
)
NO_ROWS = Tallies([], *(np.zeros(0, np.int64) for _ in range(4)))


class FromMinutes(NamedTuple):
    """How closed minutes answer: which of their sums are counted, and which are the part."""

    where: Node
    counted: tuple[str, ...]
    part: tuple[str, ...] = ()


def width(slots: Slots) -> int:
    """Returns how many slots there are."""
    return WIDTH if slots.buckets else 2 if slots.part or slots.is_answered else 1


def from_minutes(rule: Rule) -> FromMinutes | None:
    """Returns how closed minutes hold what a rule counts; None where rows have to be read."""
    if rule.table.sql or rule.table.query or any(field.column not in KEYS for field in rule.by):
        return None
    slots, (where, counted) = rule.condition.slots, _split(rule.where)
    if not _is_of_keys(where):
        return None
    if slots.buckets:
        is_there = slots.buckets.column == TIMED and counted == (ROWS,)
        return FromMinutes(where, (HISTOGRAM,)) if is_there else None
    part = _sums(slots.part) if slots.part else ()
    if part is None or (part and counted != (ROWS,)):
        return None
    return FromMinutes(where, counted, part)


def of_minutes(rule: Rule, found: FromMinutes, minutes: str) -> str:
    """Returns SQL that counts from rows of `logs_windowed` with the column `minute`."""
    groups = _groups(rule)
    rows = f"{minutes} WHERE {condition(found.where, DUCKDB)}"
    if found.counted == (HISTOGRAM,):
        rows = f"(SELECT *, unnest(map_entries({HISTOGRAM})) AS e FROM {rows})"
        return _summed(groups, _clipped("e.key"), "e.value", rows)
    counted = " + ".join(found.counted)
    if not found.part:
        return _summed(groups, "0", counted, rows)
    part = " + ".join(found.part)
    both = f"unnest([[0, {counted} - ({part})], [1, {part}]]) AS e"
    return _summed(groups, "e[1]", "e[2]", f"(SELECT *, {both} FROM {rows})")


def of_rows(rule: Rule, rows: str) -> str:
    """Returns SQL that counts from rows of `logs` with the column `minute`."""
    slots = rule.condition.slots
    where = condition(rule.where, DUCKDB)
    where += f" AND (\n{rule.table.sql}\n)" if rule.table.sql else ""
    slot = "0"
    if slots.part:
        slot = f"CASE WHEN {condition(slots.part, DUCKDB)} THEN 1 ELSE 0 END"
    if slots.buckets:
        column = DUCKDB.name(slots.buckets.column)
        where += f" AND {column} IS NOT NULL"
        slot = _clipped(BUCKET.format(column))
    return _summed(_groups(rule), slot, "1", f"{rows} WHERE {where}")


def of_answer(rule: Rule, rows: str, minute: int, most: int) -> str:
    """Returns SQL that asks the statement of a rule, with `logs` as a name for these rows."""
    names = [f"{NAMED_AS.format(DUCKDB.name(name))}" for name in rule.table.by]
    named = f"concat_ws(chr(31), {', '.join(names)})" if names else "''"
    value = (
        f"CAST(round(greatest(-{MOST}, least({MOST}, CAST(value AS DOUBLE))) * {SCALE}) AS BIGINT)"
    )
    answers = (
        f"SELECT {named} AS names, {value} AS n FROM (\n{rule.table.query}\n) "
        "WHERE isfinite(CAST(value AS DOUBLE)) "
        f"QUALIFY row_number() OVER (PARTITION BY names ORDER BY n DESC) = 1 "
        f"ORDER BY names LIMIT {most}"
    )
    return (
        f"WITH logs AS (SELECT * FROM {rows}), answers AS ({answers}) "
        f"SELECT CAST({minute} AS BIGINT) AS minute, names, e[1] AS slot, e[2] AS n FROM "
        "(SELECT names, unnest([[0, n], [1, 1]]) AS e FROM answers) ORDER BY names, slot"
    )


def rows_of(rule: Rule, values: Sequence[str]) -> str:
    """Returns a condition on the rows of `logs` that a group's incident is about.

    Of a share these are the rows of the part.
    """
    parts = [condition(rule.where, DUCKDB)]
    if rule.table.sql:
        parts.append(f"(\n{rule.table.sql}\n)")
    if part := rule.condition.slots.part:
        parts.append(condition(part, DUCKDB))
    parts += [
        f"{value_of(field)} = {DUCKDB.value(value)}"
        for field, value in zip(rule.by, values, strict=True)
    ]
    return " AND ".join(parts)


def tallies(rows: pa.Table) -> Tallies:
    """Returns the rows that such SQL gives; names are without what a terminal acts on."""
    if not rows.num_rows:
        return NO_ROWS
    at, slot, n = (np.asarray(rows[name].to_numpy(), np.int64) for name in ("minute", "slot", "n"))
    names = rows["names"].combine_chunks().dictionary_encode()
    listed = [tuple(one.split("\x1f")) if one else () for one in names.dictionary.to_pylist()]
    groups = [tuple(_inert(part) for part in group) for group in listed]
    return Tallies(groups, at, np.asarray(names.indices.to_numpy(), np.int64), slot, n)


def _summed(groups: str, slot: str, n: str, rows: str) -> str:
    return (
        f"SELECT minute, {groups} AS names, CAST({slot} AS BIGINT) AS slot, "
        f"CAST(sum({n}) AS BIGINT) AS n FROM {rows} GROUP BY ALL HAVING n > 0 "
        "ORDER BY minute, names, slot"
    )


def _groups(rule: Rule) -> str:
    each = [value_of(field) for field in rule.by]
    return f"concat_ws(chr(31), {', '.join(each)})" if each else "''"


def value_of(field: Field) -> str:
    """Returns SQL for the value by which rows are grouped."""
    return NAMED_AS.format(text(field, DUCKDB))


def _clipped(bucket: str) -> str:
    return f"greatest(0, least({bucket} - ({LEAST}), {WIDTH - 1}))"


def _inert(name: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def _split(node: Node) -> tuple[Node, tuple[str, ...]]:
    """Returns which keys a query chooses, and the sums that its other term stands for."""
    parts = node.parts if isinstance(node, All) else (node,)
    for part in parts:
        if sums := _sums(part):
            rest = tuple(one for one in parts if one is not part)
            return All(rest), sums
    return node, (ROWS,)


def _sums(node: Node) -> tuple[str, ...] | None:
    """Returns the sums of closed minutes that count exactly the rows of a term; None for none."""
    if not isinstance(node, Term) or node.field is None:
        return None
    if node.field.column == "status_code" and node.test == Between(400, 499):
        return (CLIENT,)
    if node.field.column == "is_error" and node.test == Flag(True):
        return (CLIENT, SERVER)
    return None


def _is_of_keys(node: Node) -> bool:
    if isinstance(node, Term):
        return node.field is not None and node.field.column in KEYS
    if isinstance(node, Not):
        return _is_of_keys(node.part)
    parts = node.parts if isinstance(node, All | Some) else ()
    return all(_is_of_keys(part) for part in parts) or node is EVERY
