"""What readers see of a rollup: its closed windows, and those still open, counted as they ask."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.tables.rollups import DAY, Rollup
from lakehouse.windows.count import counting
from lakehouse.windows.horizon import horizon, midnight, stored


def open_windows(
    places: Places, rollup: Rollup, table: DeltaTable | None, logs: DeltaTable
) -> pa.Table:
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
