"""Counts rows that came too late for their windows, where that is in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from lakehouse import store
from lakehouse.ingest.queries import WINDOWS as QUERY
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import WINDOWS, Rollup
from lakehouse.windows.check import Checked
from lakehouse.windows.close import days_of
from lakehouse.windows.horizon import EPOCH, horizon
from lakehouse.windows.recount import closed_by_now, count_late

# Minutes are not among them: they are detection's, which holds in memory what it judged.
ROLLUPS = {rollup.name: rollup for rollup in WINDOWS}


def count(places: Places, rollup: Rollup, days: int, dry_run: bool = False) -> Iterator[Checked]:
    """Counts windows with late rows again, of the last days (0: of all). Yields each day.

    Each day is one commit, made for the version that it was computed from, so that the stream and
    this may both write. A table that was never closed has no late rows.
    """
    table = store.table_or_none(places, rollup.name)
    if table is not None and horizon(table) is not None:
        yield from count_late(places, rollup, since(places, days), dry_run)


def since(places: Places, days: int) -> date | None:
    """Returns the first day to look at; None for all."""
    known = days_of(store.open_table(places, LOGS)) if days else []
    return known[-1] - timedelta(days=days) if known else None


def stream_is_behind(places: Places, rollup: Rollup) -> bool:
    """Whether a running stream has windows to close that it should have closed a window ago.

    Its commits come first then: each of ours would make it count again.
    """
    table = store.table_or_none(places, rollup.name)
    if table is None or QUERY.is_running(places) is False:
        return False
    due = closed_by_now(store.open_table(places, LOGS), rollup.window)
    return due > (horizon(table) or EPOCH)
