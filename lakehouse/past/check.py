"""Whether a ledger is as it was written, and adds up to the table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.past.entry import COLUMNS, Totals, of_table
from lakehouse.past.ledger import AFTER, BEFORE, Ledger, Moved, Segment
from lakehouse.past.reading import Reading
from lakehouse.paths import Places
from lakehouse.store import data_files, open_table

ATTEMPTS = 3


class Checked(NamedTuple):
    """What is wrong with a ledger, an object or a sum a line, and the names of its segments.

    `lost` says what a ledger that was made again does not know any more, which is no fault: nothing
    can bring it back.
    """

    faults: list[str]
    segments: list[str]
    lost: list[str]


def faults(places: Places, name: str) -> list[str]:
    """Returns what is wrong with the ledger of a table; none is well."""
    return check(places, name).faults


def check(places: Places, name: str, counted: Collection[str] = ()) -> Checked:
    """Returns what is wrong with the ledger of a table.

    Each entry is counted in the chain of hashes again: one that was changed, and an object that is
    gone, is named. Of segments that were `counted` before, only the bytes are hashed, and what they
    begin and end with is compared; each has to be there still, or a longer one in its place. Then
    rows of the table must be as many as its commits brought and left.
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
    gone, is_again = _uncovered(ledger, counted), _is_made_again(ledger)
    found = [] if is_again else [_missing(ledger, one) for one in gone]
    found = found or [*_of_segments(ledger, counted)] or [*_of_rows(places, name, at)]
    lost = [_unknown(ledger)] if gone and is_again and not found else []
    return Checked(found, [one.name for one in ledger.segments], lost)


def _uncovered(ledger: Ledger, counted: Collection[str]) -> list[Segment]:
    """Returns the segments that were counted before, and of whose versions it lacks some now."""
    first = ledger.first
    found = sorted(filter(None, map(Segment.named, counted)))
    return [one for one in found if first is None or one.first < first or ledger.last < one.last]


def _is_made_again(ledger: Ledger) -> bool:
    """Whether it begins in the middle of a table, with nothing before it."""
    if not ledger.first:
        return False
    return ledger.totals(ledger.segments[0], BEFORE) == Totals()


def _missing(ledger: Ledger, one: Segment) -> str:
    return (
        f"{ledger.root}/{one.name} is gone, which was there at the last proof. Put it back from a "
        f"copy of the lake; without one, move {ledger.root} aside if it has others, and upkeep "
        "makes the ledger again from the log"
    )


def _unknown(ledger: Ledger) -> str:
    return (
        f"{ledger.root} was lost since the last proof, and made again from the log: states of "
        f"{ledger.table} before version {ledger.first} cannot be read any more"
    )


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
