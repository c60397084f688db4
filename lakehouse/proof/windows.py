"""Closed windows next to a proof: only those are recounted that were closed or touched since.

A window is touched by rows of `logs` that came later, by a change of its own rows, and while it
lacks late rows. Where rows that were proved are not all there in other files, the days of the files
that came or went are recounted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from deltalake import DeltaTable

from lakehouse.duck import connect
from lakehouse.paths import Places
from lakehouse.proof.contents import Question
from lakehouse.proof.inventory import Inventory, Looked
from lakehouse.proof.proved import Windows
from lakehouse.tables.rollups import DAY, ROLLUPS, Rollup
from lakehouse.windows.check import Checked, Some, check, checked_from
from lakehouse.windows.close import days_of
from lakehouse.windows.count import time_literal
from lakehouse.windows.horizon import EPOCH, horizon

# Rows of a window that a proof may have: it was closed by then.
IS_OLD = """
CASE WHEN r.granularity = '1d' THEN r.window_start + INTERVAL 1 DAY <= {at}
    ELSE r.window_start < {at} END
"""
# Returns the starts of the windows before a time that rows lie in which came since.
Came = Callable[[datetime, Rollup], Iterable[datetime]]


@dataclass
class Judged:
    """What was found in a table of windows: `days` were looked at, `counted` windows in them."""

    days: list[Checked] = field(default_factory=list)
    counted: int = 0
    proved: Windows | None = None
    looked: Looked = field(default_factory=dict)


def judge_table(
    places: Places,
    opened: tuple[DeltaTable, DeltaTable],
    inventory: Inventory,
    known: Windows | None,
    came: Came,
) -> Judged:
    """Recounts windows of a table; `opened` are it and `logs`. All of them without `known`."""
    table, logs = opened
    rollup, closed, since = ROLLUPS[inventory.name], horizon(table), checked_from(*opened)
    if closed is None:
        return Judged()
    fits = known and not inventory.refusal and known.checked_from == since
    if known is None or not fits or known.horizon > closed:
        known = None
    at = time_literal(known.horizon) if known else ""
    question = Question(IS_OLD.format(at=at)) if known else Question()
    with connect() as connection:
        looked = inventory.look(connection, question, all_rows=known is None)
    only = (
        None if known is None else _touched(inventory, looked, opened, known, came(closed, rollup))
    )
    days = [*check(places, rollup, table, logs, since, only)]
    windows = {**(known.days if known else {}), **{day.date: day.windows for day in days}}
    late = [late.window_start for day in days for late in day.late]
    proved = Windows(horizon=closed, checked_from=since, days=windows, late=late)
    return Judged(days, _counted(days, only), proved, looked)


def _counted(days: Iterable[Checked], only: Some | None) -> int:
    of_days = ((day, only[day.date] if only else None) for day in days)
    return sum(day.windows if some is None else len(some) for day, some in of_days)


def _touched(
    inventory: Inventory,
    looked: Looked,
    opened: tuple[DeltaTable, DeltaTable],
    known: Windows,
    came: Iterable[datetime],
) -> Some | None:
    """Returns what has to be recounted; None for everything."""
    table, logs = opened
    rollup, closed = ROLLUPS[inventory.name], horizon(table) or EPOCH
    found: dict[date, set[datetime] | None] = {}
    if not inventory.is_rewritten(looked):
        changed = inventory.dates()
        if None in changed:
            return None
        found = {day: None for day in changed if day}
    for start in {*known.late, *came}:
        _add(found, start.date(), {start})
    for day in {*days_of(logs), *(day for day in inventory.dates() if day)}:
        first = datetime.combine(day, time(), UTC)
        if first < closed and first + DAY > known.horizon:
            is_new = first >= known.horizon
            _add(
                found, day, None if is_new else _starts(rollup, known.horizon, first + DAY, closed)
            )
    return {
        day: None if some is None else sorted(some)
        for day, some in found.items()
        if some is None or some
    }


def _add(found: dict[date, set[datetime] | None], day: date, starts: set[datetime] | None) -> None:
    before = found.get(day, set())
    found[day] = None if before is None or starts is None else before | starts


def _starts(rollup: Rollup, since: datetime, *ends: datetime) -> set[datetime]:
    """Returns the starts of the windows from `since` on that end by the first of `ends`."""
    count = (min(ends) - since) // rollup.window
    return {since + number * rollup.window for number in range(count)}
