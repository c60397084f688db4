"""How the rows of Explore are spread, as values: a histogram and facets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from analytics.web.explore.filters import FACETS, NONE, Filters, text_of
from analytics.web.lake.lake import Snapshot
from lakehouse.duck import Pinned
from lakehouse.query.search.fields import Field
from lakehouse.skipping import choose
from lakehouse.skipping.wanted import of_query
from lakehouse.tables.catalog import LOGS

BARS, MORE_VALUES, GROUPS = 90, 200, 5
# Values of a facet that are read; there are fewer statuses, whose classes are made of all of them.
MOST_READ = 1000
STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400)
Row = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A value of a facet, with its number of rows among those that the other facets select."""

    name: str
    rows: int
    is_selected: bool


@dataclass(frozen=True)
class Group:
    """Rows with one value of a field, by bar; of all other rows where `name` is None."""

    name: str | None
    counts: list[int]


@dataclass(frozen=True)
class Found:
    """The distribution of the selected rows; `times` [s since 1970] are `step` seconds apart."""

    rows: int
    errors: int
    step: int
    times: list[int]
    counts: list[int]
    error_counts: list[int]
    facets: dict[str, list[Value]]
    groups: list[Group] = field(default_factory=list)


def found(
    snapshot: Snapshot, filters: Filters, more: Sequence[Field] = (), by: Field | None = None
) -> Found:
    """Histogram and facets, in one scan of the files that the time leaves.

    Each field of `more` is a facet by a scan of its own column; bars are grouped by `by`.
    """
    step = step_of(filters)
    groups = _grouped(snapshot, filters, step)
    bars = {row["key"]: row for row in groups["bar"]}
    first, end = int(filters.first.timestamp()), ceil(filters.end.timestamp())
    times = [*range(first // step * step, end, step)]
    counts = [int(bars[at]["n"]) if at in bars else 0 for at in times]
    errors = [int(bars[at]["errors"]) if at in bars else 0 for at in times]
    facets = {name: _values(name, groups[name], filters) for name in FACETS}
    facets |= {field.name: top(snapshot, filters, field) for field in more}
    stacked = _groups(snapshot, filters, by, times, step) if by else []
    return Found(sum(counts), sum(errors), step, times, counts, errors, facets, stacked)


def top(snapshot: Snapshot, filters: Filters, of: Field, most: int = MORE_VALUES) -> list[Value]:
    """The values of a field with the most rows, among the rows that all filters leave."""
    key, given = text_of(of, "key")
    rows = snapshot.ask(
        f"SELECT {key} AS key, count(*) AS n FROM logs WHERE {filters.all} GROUP BY 1 "
        f"ORDER BY n DESC, key LIMIT {most}",
        {**filters.bound(), **given},
        logs=files(snapshot, filters),
    )
    return [Value(NONE if row["key"] is None else row["key"], row["n"], False) for row in rows]


def _groups(
    snapshot: Snapshot, filters: Filters, by: Field, times: Sequence[int], step: int
) -> list[Group]:
    """The five values with the most rows, and all others, by bar."""
    names = [value.name for value in top(snapshot, filters, by, GROUPS)]
    key, given = text_of(by, "key")
    value = f"coalesce({key}, '{NONE}')"
    rows = snapshot.ask(
        f"SELECT epoch(timestamp)::BIGINT // {step} * {step} AS at, "
        f"CASE WHEN list_contains($names, {value}) THEN {value} END AS name, count(*) AS n "
        f"FROM logs WHERE {filters.all} GROUP BY 1, 2",
        {**filters.bound(), **given, "names": names},
        logs=files(snapshot, filters),
    )
    counts = {(row["name"], row["at"]): row["n"] for row in rows}
    there = {row["name"] for row in rows}
    listed = [*names, None] if None in there else names
    return [Group(name, [counts.get((name, at), 0) for at in times]) for name in listed]


def step_of(filters: Filters) -> int:
    """The length of a bar [s]."""
    length = (filters.end - filters.first).total_seconds()
    weeks = STEPS[-1] * max(1, ceil(length / BARS / STEPS[-1]))
    return next((step for step in STEPS if length / step <= BARS), weeks)


def _grouped(snapshot: Snapshot, filters: Filters, step: int) -> dict[str, list[Row]]:
    """Counts by bar and by facet; the values selected in a facet do not narrow its own counts.

    Of each facet those with the most rows, and those that are selected.
    """
    conditions = filters.conditions()
    keys = {"bar": f"epoch(timestamp)::BIGINT // {step} * {step}", **FACETS}
    narrowed = {
        name: " AND ".join(rule for of, rule in conditions.items() if of != name) or "true"
        for name in keys
    }
    counts = ", ".join(f"count(*) FILTER ({rule}) AS n_{name}" for name, rule in narrowed.items())
    listed = ", ".join(f"{sql} AS key_{name}" for name, sql in keys.items())
    sets = ", ".join(f"(key_{name})" for name in keys)
    ids = ", ".join(f"key_{name}" for name in keys)
    masks = {(1 << len(keys)) - 1 - (1 << len(keys) - 1 - at): n for at, n in enumerate(keys)}
    own = " ".join(f"WHEN {mask} THEN n_{name}" for mask, name in masks.items())
    answer = snapshot.ask(
        f"SELECT *, CASE mask {own} END AS n FROM ("
        f"SELECT {listed}, grouping({ids}) AS mask, {counts}, "
        f"count(*) FILTER (is_error AND {narrowed['bar']}) AS errors FROM logs "
        f"WHERE {filters.time_and_query} GROUP BY GROUPING SETS ({sets})) "
        f"QUALIFY {_is_chosen(conditions)} "
        f"OR row_number() OVER (PARTITION BY mask ORDER BY n DESC) <= {MOST_READ}",
        filters.bound(),
        logs=files(snapshot, filters),
    )
    grouped: dict[str, list[Row]] = {name: [] for name in keys}
    for row in answer:
        name = masks[row["mask"]]
        grouped[name].append({"key": row[f"key_{name}"], "n": row["n"], "errors": row["errors"]})
    return grouped


def _is_chosen(conditions: Mapping[str, str]) -> str:
    """Which groups are a bar, or a selected value; of statuses all are read anyway."""
    names = [name for name in conditions if name != "status"]
    chosen = [f"coalesce(list_contains(${name}, key_{name}), false)" for name in names]
    return " OR ".join(["key_bar IS NOT NULL", *chosen])


def _values(name: str, rows: Sequence[Row], filters: Filters) -> list[Value]:
    """Returns the values of a facet, most frequent first; selected ones are always among them."""
    selected = [*filters.values.get(name, ())]
    counts = {str(row["key"]): int(row["n"]) for row in rows if row["n"]}
    if name == "status":
        counts = {**_classes(counts), **counts}
    counts |= {value: 0 for value in selected if value not in counts}
    order = sorted(counts, key=lambda value: (value not in selected, -counts[value], value))
    if name == "status":
        order = sorted(counts, key=lambda value: (value == NONE, not value.endswith("xx"), value))
    return [Value(value, counts[value], value in selected) for value in order[:MORE_VALUES]]


def _classes(counts: Mapping[str, int]) -> dict[str, int]:
    classes: dict[str, int] = {}
    for code, rows in counts.items():
        if code == NONE:
            continue
        classes[f"{code[0]}xx"] = classes.get(f"{code[0]}xx", 0) + rows
    return classes


def files(snapshot: Snapshot, filters: Filters) -> Pinned:
    """The files that may have rows of the time, and of the query, that are asked for."""
    of_time = snapshot.need(LOGS.name).between("timestamp", filters.first, filters.end)
    return choose.files(snapshot.lake.places, of_time, of_query(filters.query))
