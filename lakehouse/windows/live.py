"""What readers see of a rollup: its closed windows, and those still open, counted as they ask."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.rollup import DAY, Rollup
from lakehouse.windows.count import counting
from lakehouse.windows.horizon import horizon, midnight, stored


def open_windows(
    places: Places, rollup: Rollup, table: DeltaTable | None, logs: DeltaTable
) -> pa.Table:
    """The half hours and days that are not closed in this state of the table, out of this `logs`.

    An open day is made of its closed half hours and its open ones.
    """
    closed = horizon(table)
    with counting(places, logs) as count:
        half_hours = count.half_hours(rollup, closed, None)
        if closed is None:
            return pa.concat_tables([half_hours, count.days(rollup, half_hours)])
        since = midnight(closed)
        of_days = pa.concat_tables([stored(table, rollup, "30m", since), half_hours])
        days = count.days(rollup, of_days)
    is_open = pc.greater(days["window_start"], pa.scalar(closed - DAY, days["window_start"].type))
    return pa.concat_tables([half_hours, days.filter(is_open)])
