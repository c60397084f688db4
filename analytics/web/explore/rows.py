"""Rows of Explore, newest first, page by page, each with as much of its text as a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import pyarrow as pa

from analytics.web.explore.figures import Found, files, found
from analytics.web.explore.filters import Cursor, Filters
from analytics.web.lake.lake import Snapshot
from lakehouse.duck import quoted
from lakehouse.query.search.fields import ATTRIBUTES, Field
from lakehouse.tables.catalog import LOGS, NEWEST_FIRST

ROWS = 100
# What a page of a download holds at most, and how its rows are weighed before they are read.
PAGE_BYTES = 8 << 20
WEIGHED = "timestamp, _partition, _offset, _item, strlen(logs::VARCHAR) AS weight"
ORDER = NEWEST_FIRST
AFTER = """(timestamp < $at OR (timestamp = $at AND (_partition < $partition
    OR (_partition = $partition AND (_offset < $offset
    OR (_offset = $offset AND coalesce(_item, -1) < $item))))))"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Bounds:
    """How many characters of a text and of an attribute are read, and how many attributes."""

    text: int
    attribute: int
    attributes: int


def _cut(text: str, most: int) -> str:
    """A text as SQL, by its characters; bytes are counted first, which takes no time."""
    is_long = f"strlen({text}) > {most} AND length({text}) > {most}"
    return f"if({is_long}, left({text}, {most}) || '…', {text})"


def _short(field: pa.Field, most: Bounds) -> str:
    name = quoted(field.name)
    if pa.types.is_string(field.type):
        return f"{_cut(name, most.text)} AS {name}"
    if pa.types.is_map(field.type):
        each = f"{{k: e.key, v: {_cut('e.value', most.attribute)}}}"
        entries = f"list_transform(map_entries({name})[:{most.attributes}], lambda e: {each})"
        return f"map_from_entries({entries}) AS {name}"
    return f"{name}"


def _columns(most: Bounds) -> str:
    return ", ".join(_short(field, most) for field in LOGS.columns)


# A hundred rows may hold a hundred megabytes of text: of each as much as a person reads, and less
# where hundreds of them are on one page; what is cut is longer than a term of a query may be.
SHORT, BRIEF = _columns(Bounds(4096, 1024, 100)), _columns(Bounds(600, 520, 30))


@dataclass(frozen=True)
class Part:
    """A page of rows, newest first, and the cursor of the next one."""

    rows: list[Row]
    next: str | None


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
    return Part(rows[:size], str(Cursor.of(last)) if last else None)


def parts(snapshot: Snapshot, filters: Filters, most: int, size: int) -> Iterator[list[Row]]:
    """Yields all rows, newest first, at most `most`, in pages of `size` rows or PAGE_BYTES."""
    spread, after, left = found(snapshot, filters), None, most
    while left:
        weighed = part(snapshot, filters, spread, after, min(size, left), WEIGHED).rows
        fitting = sum(weight <= PAGE_BYTES for weight in accumulate(r["weight"] for r in weighed))
        page = part(snapshot, filters, spread, after, max(1, fitting), columns="*")
        yield page.rows
        if page.next is None:
            return
        after, left = Cursor.read(page.next), left - len(page.rows)


def cell(row: Mapping[str, Any], field: Field) -> Any:
    """What a row has in a field."""
    value = row.get(field.column)
    return (value or {}).get(field.key) if field.column == ATTRIBUTES else value


def in_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What rows are ordered by, the oldest first."""
    item = row["_item"]
    return row["timestamp"], row["_partition"], row["_offset"], -1 if item is None else item


def oldest_first() -> str:
    """The same order as SQL."""
    return ORDER.replace(" DESC", "").replace("NULLS LAST", "NULLS FIRST")


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
    rules, bound = [filters.all], dict(filters.bound())
    if after:
        end = min(filters.end, after.timestamp + timedelta(microseconds=1))
        filters = filters.within(filters.first, end)
        rules.append(AFTER)
        bound |= after.bound()
    return snapshot.ask(
        f"SELECT {columns} FROM logs WHERE {' AND '.join(rules)} ORDER BY {ORDER} LIMIT {limit}",
        bound,
        logs=files(snapshot, filters),
    )
