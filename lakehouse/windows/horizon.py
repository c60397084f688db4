"""The horizon of a table: every window that ends at or before it is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.tables.rollups import HALF_HOUR, Rollup

# An application transaction: part of each state of the table, which no clean-up of the log removes.
MARK = "horizon"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def horizon(table: DeltaTable | None) -> datetime | None:
    """Returns the end of the newest closed window; None where nothing was closed yet."""
    seconds = table.transaction_version(MARK) if table else None
    return EPOCH + timedelta(seconds=seconds) if seconds else None


def mark(closed: datetime | None) -> dict[str, int]:
    """Returns the transaction by which a commit moves the horizon."""
    return {MARK: int(closed.timestamp()) if closed else 0}


def last_closed(watermark: datetime, window: timedelta = HALF_HOUR) -> datetime:
    """Returns the end of the newest window that no event can enter any more."""
    return EPOCH + (watermark - EPOCH) // window * window


def midnight(at: datetime) -> datetime:
    """Returns the first instant of a day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def stored(
    table: DeltaTable | None, rollup: Rollup, granularity: str, since: datetime | None = None
) -> pa.Table:
    """Returns the rows of a version, from the day of `since` on, with the present columns."""
    if table is None:
        return rollup.columns.empty_table()
    condition = pc.field("granularity") == granularity
    if since:
        condition &= pc.field("date") >= pc.scalar(since.date())
    return aligned(table.to_pyarrow_dataset().to_table(filter=condition), rollup)


def before(table: DeltaTable, rollup: Rollup, day: date) -> pa.Table:
    """Returns the rows of a version before a day, with the present columns."""
    condition = pc.field("date") < pc.scalar(day)
    return aligned(table.to_pyarrow_dataset().to_table(filter=condition), rollup)


def aligned(rows: pa.Table, rollup: Rollup) -> pa.Table:
    """Returns rows with exactly the columns of the rollup; missing ones are NULL."""
    for field in rollup.columns:
        if field.name not in rows.column_names:
            rows = rows.append_column(field.name, pa.nulls(rows.num_rows, field.type))
    return rows.select(rollup.columns.names).cast(rollup.columns)
