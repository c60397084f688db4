"""A rollup as readers see it: its closed windows, and the open ones counted as they ask."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import Rollup
from lakehouse.terminal.times import Moment
from lakehouse.windows.live import open_windows

IS_FINAL = "is_final"


def open_part(
    places: Places, rollup: Rollup, tables: dict[str, DeltaTable], moment: Moment
) -> pa.Table:
    """The open windows at a moment; none where a version is asked for: it has stored rows only.

    `tables` gains the `logs` that they are counted from, so that one question reads one version.
    """
    if moment.version is not None:
        return rollup.columns.empty_table()
    if LOGS.name not in tables:
        tables |= pinned.pin(places, [LOGS.name], moment)
    return open_windows(places, rollup, tables[rollup.name], tables[LOGS.name])


def union(
    rollup: Rollup, at: DeltaTable, stored: str, opened: str, quoted: Callable[[str], str]
) -> str:
    """Closed and open windows as one SELECT, of the columns that the table has at its version."""
    known = {field.name for field in at.schema().fields} - {*rollup.hidden}
    chosen = ", ".join(quoted(name) for name in rollup.columns.names if name in known)
    return (
        f"SELECT {chosen}, true AS {IS_FINAL} FROM {stored} "
        f"UNION ALL SELECT {chosen}, false AS {IS_FINAL} FROM {opened}"
    )
