"""Whether a ledger is as it was written, and adds up to the table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.past.entry import COLUMNS, Totals, of_table
from lakehouse.past.ledger import AFTER, BEFORE, Ledger, Moved
from lakehouse.past.reading import Reading
from lakehouse.paths import Places
from lakehouse.store import data_files, open_table

ATTEMPTS = 3


class Checked(NamedTuple):
    """What is wrong with a ledger, an object or a sum a line, and the names of its segments."""

    faults: list[str]
    segments: list[str]


def faults(places: Places, name: str) -> list[str]:
    """Returns what is wrong with the ledger of a table; none is well."""
    return check(places, name).faults


def check(places: Places, name: str, counted: Collection[str] = ()) -> Checked:
    """Returns what is wrong with the ledger of a table.

    Each entry is counted in the chain of hashes again: one that was changed, and an object that is
    gone, is named. Of segments that were `counted` before, only the bytes are hashed, and what they
    begin and end with is compared. Then rows of the table must be as many as its commits brought
    and left.
    """
    for _ in range(ATTEMPTS):
        try:
            return _check(places, name, counted)
        except Moved:  # upkeep merged or noted some meanwhile
            continue
    return _check(places, name, counted)


def _check(places: Places, name: str, counted: Collection[str]) -> Checked:
    at = open_table(places, name)
    ledger = Ledger(places, name, str(at.metadata().id))
    found = [*_of_segments(ledger, counted)] or [*_of_rows(places, name, at)]
    return Checked(found, [one.name for one in ledger.segments])


def _of_segments(ledger: Ledger, counted: Collection[str]) -> Iterator[str]:
    totals, since = Totals(), 0
    for segment in ledger.segments:
        place = f"{ledger.root}/{segment.name}"
        try:
            before, after = ledger.totals(segment, BEFORE), ledger.totals(segment, AFTER)
            if segment.name in counted and before == totals and segment.first >= since:
                totals, since = after, segment.last + 1
                continue
            rows = ledger.entries(max(since, segment.first), segment.last, COLUMNS.names)
        except Moved:
            raise
        except TableError:
            yield f"{place} is not whole"
            return
        if segment.first >= since and before != totals:
            yield f"what {ledger.root} had before {segment.name} is gone, or was changed"
            return
        totals, since = totals.plus(of_table(rows)), segment.last + 1
        if totals != after:
            yield f"{place} was changed"
            return
    behind = [one for one in ledger.stored if one.first > since]
    if behind:
        yield f"what {ledger.root} had before {min(behind).name} is gone"


def _of_rows(places: Places, name: str, at: DeltaTable) -> Iterator[str]:
    known = Reading.of(places, name, at)
    rows = known.sums(at.version())[0] if known.has(at.version()) else None
    counts = data_files(at)["num_records"]
    there = None if counts.null_count else pc.sum(counts, min_count=0).as_py() or 0
    if rows is not None and there is not None and rows != there:
        yield f"table {name} has {there:,} rows, and its commits add up to {rows:,}"
