"""The results of Explore, as values: a histogram and facets by one scan, then a page of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from analytics.web.explore.filters import FACETS, Cursor, Filters
from analytics.web.lake.lake import Snapshot
from lakehouse.tables.catalog import LOGS

BARS, ROWS, MORE_VALUES = 90, 100, 200
STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400)
ORDER = "timestamp DESC, _partition DESC, _offset DESC"
AFTER = """(timestamp < $at OR (timestamp = $at AND (_partition < $partition
    OR (_partition = $partition AND _offset < $offset))))"""
Row = dict[str, Any]
# A hundred rows may hold a hundred megabytes of text: of each as much as a person reads.
LONGEST_TEXT = 4096
SHORT = ", ".join(
    f"if(strlen({f.name}) > {LONGEST_TEXT}, left({f.name}, {LONGEST_TEXT}) || '…', {f.name}) "
    f"AS {f.name}"
    if pa.types.is_string(f.type)
    else f.name
    for f in LOGS.columns
)


@dataclass(frozen=True)
class Value:
    """A value of a facet, with its number of rows among those that the other facets leave."""

    name: str
    rows: int
    is_selected: bool


@dataclass(frozen=True)
class Found:
    """How the filtered rows are spread; `times` [s since 1970] are `step` seconds apart."""

    rows: int
    errors: int
    step: int
    times: list[int]
    counts: list[int]
    error_counts: list[int]
    facets: dict[str, list[Value]]


@dataclass(frozen=True)
class Part:
    """A page of rows, newest first, and the cursor of the next one."""

    rows: list[Row]
    next: str | None


def found(snapshot: Snapshot, filters: Filters) -> Found:
    """Histogram and facets, in one scan of the files that the time leaves."""
    step = step_of(filters)
    groups = _grouped(snapshot, filters, step)
    bars = {row["key"]: row for row in groups["bar"]}
    first, end = (int(at.timestamp()) for at in (filters.first, filters.end))
    times = [*range(first // step * step, end, step)]
    counts = [int(bars[at]["n"]) if at in bars else 0 for at in times]
    errors = [int(bars[at]["errors"]) if at in bars else 0 for at in times]
    facets = {name: _values(name, groups[name], filters) for name in FACETS}
    return Found(sum(counts), sum(errors), step, times, counts, errors, facets)


def part(
    snapshot: Snapshot,
    filters: Filters,
    spread: Found,
    after: Cursor | None,
    size: int = ROWS,
    columns: str = SHORT,
) -> Part:
    """The newest rows, or those after a cursor; the histogram says how far back they reach."""
    begin = _begin(spread, after, size)
    near = filters.within(begin or filters.first, filters.end)
    rows = _rows(snapshot, near, after, size + 1, columns)
    if len(rows) <= size and near.first > filters.first:
        # rows are so uneven within a bar that its count was no help
        rows = _rows(snapshot, filters, after, size + 1, columns)
    last = rows[size - 1] if len(rows) > size else None
    cursor = last and Cursor(last["timestamp"], last["_partition"], last["_offset"])
    return Part(rows[:size], str(cursor) if cursor else None)


def parts(snapshot: Snapshot, filters: Filters, most: int, size: int) -> Iterator[list[Row]]:
    """All rows, newest first, page by page: at most `most`, `size` a page."""
    spread, after = found(snapshot, filters), None
    for _ in range(0, most, size):
        page = part(snapshot, filters, spread, after, size, columns="*")
        yield page.rows
        if page.next is None:
            return
        after = Cursor.read(page.next)


def step_of(filters: Filters) -> int:
    """The length of a bar [s]."""
    length = (filters.end - filters.first).total_seconds()
    return next((step for step in STEPS if length / step <= BARS), STEPS[-1])


def _grouped(snapshot: Snapshot, filters: Filters, step: int) -> dict[str, list[Row]]:
    """Counts by bar and by each facet; a facet's own choice does not narrow its own counts."""
    conditions = filters.conditions()
    keys = {"bar": f"epoch(timestamp)::BIGINT // {step} * {step}", **FACETS}
    narrowed = {
        name: " AND ".join(rule for of, rule in conditions.items() if of != name) or "true"
        for name in keys
    }
    counts = ", ".join(f"count_if({rule}) AS n_{name}" for name, rule in narrowed.items())
    listed = ", ".join(f"{sql} AS key_{name}" for name, sql in keys.items())
    sets = ", ".join(f"(key_{name})" for name in keys)
    ids = ", ".join(f"key_{name}" for name in keys)
    answer = snapshot.ask(
        f"SELECT {listed}, grouping({ids}) AS mask, {counts}, "
        f"count_if(is_error AND {narrowed['bar']}) AS errors FROM logs "
        f"WHERE {filters.time_and_text} GROUP BY GROUPING SETS ({sets})",
        filters.bound(),
        logs=_files(snapshot, filters),
    )
    masks = {(1 << len(keys)) - 1 - (1 << len(keys) - 1 - at): n for at, n in enumerate(keys)}
    grouped: dict[str, list[Row]] = {name: [] for name in keys}
    for row in answer:
        name = masks[row["mask"]]
        group = {"key": row[f"key_{name}"], "n": row[f"n_{name}"], "errors": row["errors"]}
        grouped[name].append(group)
    return grouped


def _values(name: str, rows: Sequence[Row], filters: Filters) -> list[Value]:
    """Values of a facet, most rows first; those that are selected are always among them."""
    selected = [*filters.values.get(name, ())]
    counts = {str(row["key"]): int(row["n"]) for row in rows if row["n"]}
    if name == "status":
        counts = {**_classes(counts), **counts}
    counts |= {value: 0 for value in selected if value not in counts}
    order = sorted(counts, key=lambda value: (value not in selected, -counts[value], value))
    if name == "status":
        order = sorted(counts, key=lambda value: (not value.endswith("xx"), value))
    return [Value(value, counts[value], value in selected) for value in order[:MORE_VALUES]]


def _classes(counts: Mapping[str, int]) -> dict[str, int]:
    classes: dict[str, int] = {}
    for code, rows in counts.items():
        classes[f"{code[0]}xx"] = classes.get(f"{code[0]}xx", 0) + rows
    return classes


def _begin(spread: Found, after: Cursor | None, size: int) -> datetime | None:
    """The start of the bar in which the page ends; None where it may be the first."""
    last = after.timestamp.timestamp() if after else float("inf")
    seen = 0
    for at, count in zip(reversed(spread.times), reversed(spread.counts), strict=True):
        # part of the bar of the cursor is on the page before: it does not count
        if at + spread.step <= last:
            seen += count
        if seen > size:
            return datetime.fromtimestamp(at, UTC)
    return None


def _rows(
    snapshot: Snapshot, filters: Filters, after: Cursor | None, limit: int, columns: str
) -> list[Row]:
    rules, bound = [filters.time_and_text, *filters.conditions().values()], dict(filters.bound())
    if after:
        end = min(filters.end, after.timestamp + timedelta(microseconds=1))
        filters = filters.within(filters.first, end)
        rules.append(AFTER)
        bound |= {"at": after.timestamp, "partition": after.partition, "offset": after.offset}
    return snapshot.ask(
        f"SELECT {columns} FROM logs WHERE {' AND '.join(rules)} ORDER BY {ORDER} LIMIT {limit}",
        bound,
        logs=_files(snapshot, filters),
    )


def _files(snapshot: Snapshot, filters: Filters) -> Any:
    return snapshot.need(LOGS.name).between("timestamp", filters.first, filters.end)
