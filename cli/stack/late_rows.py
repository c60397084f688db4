"""Counts what came too late for windows and minutes, once the stream and detection are over."""

from __future__ import annotations

from collections.abc import Callable

from lakehouse import store
from lakehouse.errors import LogpondError
from lakehouse.ingest.queries import UPKEEP
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.check import late_days
from lakehouse.windows.judging import judge
from streaming.upkeep import late_rows


def count_late(places: Places, say: Callable[[str], None]) -> None:
    """Counts late rows in their windows, and has minutes that have some judged again.

    What cannot be done now is said: upkeep, `reconcile` and `analyze` do it later.
    """
    if store.table_or_none(places, LOGS) is None:
        return
    try:
        with UPKEEP.alone(places) as fenced:
            rows = max(_counted(fenced, name) for name in late_rows.ROLLUPS)
        if rows:
            say(f"{rows:,} rows that came late are counted in their windows now")
        if _has_late_minutes(places):
            judge(places, say)
    except LogpondError as error:
        say(f"late rows are not counted: {error.what}; `logpond reconcile` does it")


def _counted(places: Places, name: str) -> int:
    """Returns how many late rows of a table are counted now."""
    days = late_rows.count(places, late_rows.ROLLUPS[name], 0)
    return sum(late.rows for day in days for late in day.late)


def _has_late_minutes(places: Places) -> bool:
    table = store.table_or_none(places, MINUTES.name)
    logs = store.open_table(places, LOGS)
    return table is not None and any(late_days(places, MINUTES, table, logs))
