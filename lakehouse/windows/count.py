"""Counts windows from one version of `logs`, by DuckDB: for the stream, readers and the check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.duck import connect
from lakehouse.past import State
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollup_sql import parts_of_events, parts_of_rows, rows_of_parts
from lakehouse.tables.rollups import Rollup


class Count:
    """Counts at `version` of `logs`; `events` names a relation of the connection with such rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, version: int) -> None:
        self.connection, self.version = connection, version

    def windows(
        self, rollup: Rollup, first: datetime | None, end: datetime | None, events: str = LOGS.name
    ) -> pa.Table:
        """Returns the rows of all windows from `first` up to `end`; None means no limit."""
        selected = f"(SELECT * FROM {events} WHERE {within(first, end)})"
        return self._rows(rollup, rollup.granularity, parts_of_events(rollup, selected))

    def days(self, rollup: Rollup, windows: pa.Table) -> pa.Table:
        """Returns the rows of days that these windows add up to; none if the rollup has no days."""
        if not rollup.has_days:
            return rollup.columns.empty_table()
        self.connection.register("windows", windows)
        return self._rows(rollup, "1d", parts_of_rows(rollup, "windows"))

    def _rows(self, rollup: Rollup, granularity: str, parts: dict[str, str]) -> pa.Table:
        for part, query in parts.items():
            self.connection.execute(f'CREATE OR REPLACE TEMP TABLE "{part}" AS {query}')
        found = self.connection.sql(rows_of_parts(rollup, granularity, self.version))
        rows = found.to_arrow_table().cast(rollup.columns)
        for part in parts:
            self.connection.execute(f'DROP TABLE "{part}"')
        return rows


class CountOfTable(Count):
    """Counts the table `logs`, as it is opened: all of it, or some days after others."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, root: str, logs: State) -> None:
        super().__init__(connection, logs.version)
        self._pinned = logs.pinned(root)

    def look_at_all(self) -> None:
        """Makes `logs` answer with all rows."""
        self._pinned.create_view(self.connection, LOGS.name)

    def look_at(self, first: date, last: date) -> None:
        """Makes `logs` answer with the rows of some days, by their files alone.

        Asked day by day of all files, thousands of days would cost the square of their number.
        """
        days = pc.struct_field(self._pinned.adds["partition"], "date").cast(pa.string())
        is_one = pc.and_(
            pc.greater_equal(days, first.isoformat()), pc.less_equal(days, last.isoformat())
        )
        self._pinned.only(is_one).create_view(self.connection, LOGS.name)


@contextmanager
def counting(
    places: Places, logs: DeltaTable | State, days: tuple[date, date] | None = None
) -> Iterator[CountOfTable]:
    """Opens a connection that counts `logs`, or some days of it, at the version of this table."""
    state = logs if isinstance(logs, State) else State.of(LOGS.name, logs)
    with connect() as connection:
        count = CountOfTable(connection, places.table(LOGS), state)
        if days:
            count.look_at(*days)
        else:
            count.look_at_all()
        yield count


def within(first: datetime | None, end: datetime | None) -> str:
    """Returns SQL for events from `first` up to `end`, by which whole partitions are skipped."""
    lower = (
        f"date >= {day_literal(first)} AND timestamp >= {time_literal(first)}" if first else "true"
    )
    upper = f"date <= {day_literal(end)} AND timestamp < {time_literal(end)}" if end else "true"
    return f"{lower} AND {upper}"


def time_literal(at: datetime) -> str:
    """Renders a time as a literal of SQL."""
    return f"TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S}+00'"


def day_literal(at: datetime) -> str:
    """Renders the day of a time as a literal of SQL."""
    return f"DATE '{at:%Y-%m-%d}'"
