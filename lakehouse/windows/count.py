"""Windows counted from `logs` at one version, by DuckDB: for the stream, readers and the check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.duck import connect, create_view
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollup_sql import parts_of_events, parts_of_rows, rows_of_parts
from lakehouse.tables.rollups import Rollup


class Count:
    """Counts at `version` of logs; `events` is a relation of the connection with rows of logs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, version: int) -> None:
        self.connection, self.version = connection, version

    def windows(
        self, rollup: Rollup, first: datetime | None, end: datetime | None, events: str = LOGS.name
    ) -> pa.Table:
        """The rows of all windows from `first` up to `end`, open where None."""
        selected = f"(SELECT * FROM {events} WHERE {within(first, end)})"
        return self._rows(rollup, rollup.granularity, parts_of_events(rollup, selected))

    def days(self, rollup: Rollup, windows: pa.Table) -> pa.Table:
        """The rows of the days that these windows make up; none where the rollup has no days."""
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


@contextmanager
def counting(places: Places, logs: DeltaTable) -> Iterator[Count]:
    """Counts of `logs` as it is opened."""
    with connect() as connection:
        create_view(connection, LOGS.name, places.table(LOGS), logs)
        yield Count(connection, logs.version())


def within(first: datetime | None, end: datetime | None) -> str:
    """Events from `first` up to `end`, in words by which whole partitions are skipped."""
    lower = (
        f"date >= {day_literal(first)} AND timestamp >= {time_literal(first)}" if first else "true"
    )
    upper = f"date <= {day_literal(end)} AND timestamp < {time_literal(end)}" if end else "true"
    return f"{lower} AND {upper}"


def time_literal(at: datetime) -> str:
    """A time as SQL writes it."""
    return f"TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S}+00'"


def day_literal(at: datetime) -> str:
    """The day of a time as SQL writes it."""
    return f"DATE '{at:%Y-%m-%d}'"
