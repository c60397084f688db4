"""A rollup as readers see it: its closed windows, and the open ones counted as they ask."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.past import State
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import DAY, ROLLUPS, Rollup
from lakehouse.terminal.times import NOW, Moment
from lakehouse.windows.count import counting
from lakehouse.windows.horizon import horizon, midnight, stored

IS_FINAL = "is_final"


def pin(places: Places, name: str, moment: Moment) -> dict[str, State]:
    """Returns a table at a moment; a rollup whose state of then is gone is counted again.

    TableError where it has no such state, and for a version of a rollup that is gone: none of
    another table says what it had.
    """
    try:
        return pinned.pin(places, [name], moment)
    except TableError:
        if name not in ROLLUPS or moment.version is not None or moment == NOW:
            raise
        newest = open_table(places, name)
        return {name: State(name, newest, newest.version(), is_recount=True)}


def open_part(places: Places, rollup: Rollup, tables: dict[str, State], moment: Moment) -> pa.Table:
    """The open windows at a moment; none where a version is asked for: it has stored rows only.

    All windows where they are counted again. `tables` gains the `logs` that they are counted from,
    so that one question reads one version.
    """
    if moment.version is not None:
        return rollup.columns.empty_table()
    if LOGS.name not in tables:
        tables |= pinned.pin(places, [LOGS.name], moment)
    at = tables[rollup.name]
    return _counted(places, rollup, None if at.is_recount else at.table, tables[LOGS.name])


def union(rollup: Rollup, at: State, closed: str, opened: str, quoted: Callable[[str], str]) -> str:
    """Closed and open windows as one SELECT, of the columns that the table has at its version.

    Of windows that were all counted again it is not known which were closed then.
    """
    known = {field.name for field in at.table.schema().fields} - {*rollup.hidden}
    columns = ", ".join(quoted(name) for name in rollup.columns.names if name in known)
    if at.is_recount:
        return f"SELECT {columns}, CAST(NULL AS BOOLEAN) AS {IS_FINAL} FROM {opened}"
    return (
        f"SELECT {columns}, true AS {IS_FINAL} FROM {closed} "
        f"UNION ALL SELECT {columns}, false AS {IS_FINAL} FROM {opened}"
    )


def _counted(places: Places, rollup: Rollup, table: DeltaTable | None, logs: State) -> pa.Table:
    """The windows and days that are not closed in this state of the table, out of this `logs`.

    An open day is made of its closed half hours and its open ones.
    """
    closed = horizon(table)
    with counting(places, logs) as count:
        windows = count.windows(rollup, closed, None)
        if closed is None:
            return pa.concat_tables([windows, count.days(rollup, windows)])
        since = midnight(closed)
        of_days = pa.concat_tables([stored(table, rollup, rollup.granularity, since), windows])
        days = count.days(rollup, of_days)
    is_open = pc.greater(days["window_start"], pa.scalar(closed - DAY, days["window_start"].type))
    return pa.concat_tables([windows, days.filter(is_open)])
