"""Minutes of traffic up to now: closed ones as stored, open ones counted from `logs`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics.web.lake.lake import Snapshot
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.measures import VALUE
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.count import Count

NAMES = (
    "window_start",
    "service",
    "endpoint",
    "request_count",
    "client_errors",
    "server_errors",
    "_response_time_histogram",
)
COLUMNS = ", ".join(NAMES)
WITHIN = "window_start >= $1 AND window_start < $2"
OPEN_ONLY = f"CREATE TEMP TABLE minutes AS SELECT {COLUMNS} FROM opened WHERE {WITHIN}"
OPEN_AND_CLOSED = (
    f"{OPEN_ONLY} UNION ALL SELECT {COLUMNS} FROM closed WHERE granularity = '1m' AND {WITHIN}"
)

SUMS = """
    SELECT {key} AS key, sum(request_count)::BIGINT AS requests,
        sum(client_errors)::BIGINT AS client_errors, sum(server_errors)::BIGINT AS server_errors
    FROM minutes WHERE {where} GROUP BY ALL HAVING count(*) > 0"""
# The nearest rank in the histograms of a group, added up.
QUANTILES = """
    SELECT key, min(value) FILTER (upto >= 0.95 * total) AS p95 FROM (
        SELECT key, {value} AS value, sum(n) OVER (PARTITION BY key ORDER BY bucket) AS upto,
            sum(n) OVER (PARTITION BY key) AS total
        FROM (SELECT key, e.key AS bucket, sum(e.value) AS n FROM (
            SELECT {key} AS key, unnest(map_entries(_response_time_histogram)) AS e
            FROM minutes WHERE {where}) GROUP BY ALL)) GROUP BY key"""


@dataclass(frozen=True)
class Counted:
    """Requests, errors and latency [ms] of a group of minutes; `key` is what it is grouped by."""

    key: Any
    requests: int
    client_errors: int
    server_errors: int
    p95: float | None

    @property
    def error_rate(self) -> float | None:
        """Share of answers with a status of 400 or more."""
        errors = self.client_errors + self.server_errors
        return errors / self.requests if self.requests else None


class Minutes:
    """The minutes of a span as a table in a DuckDB connection; `by` groups them."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def keep(self, column: str, value: str) -> None:
        """Drops minutes with another value in a column; `value` is bound."""
        self._cursor.execute(f"DELETE FROM minutes WHERE {column} IS DISTINCT FROM ?", [value])

    def by(self, key: str, where: str = "true") -> list[Counted]:
        """Returns groups in order of their key. `key` and `where` are our own SQL."""
        sums = SUMS.format(key=key, where=where)
        quantiles = QUANTILES.format(key=key, where=where, value=VALUE)
        found = self._cursor.execute(
            f"SELECT s.*, p95 FROM ({sums}) AS s LEFT JOIN ({quantiles}) AS q "
            "ON s.key IS NOT DISTINCT FROM q.key ORDER BY s.key"
        )
        return [Counted(*row) for row in found.fetchall()]

    def counts(self, keys: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Returns keys and requests of each group."""
        query = f"SELECT {keys}, sum(request_count)::BIGINT FROM minutes WHERE {where} GROUP BY ALL"
        return list(self._cursor.execute(query).fetchall())


@contextmanager
def minutes(snapshot: Snapshot, first: datetime, end: datetime) -> Iterator[Minutes]:
    """Opens the minutes from `first` up to `end`, both whole minutes."""
    logs, closed = snapshot.need(LOGS.name), snapshot.table(MINUTES.name)
    since = max(first, (closed and closed.horizon) or first)
    tables = {"events": logs.between("timestamp", since, end)}
    if closed:
        tables["closed"] = closed.between("window_start", first, end)
    with snapshot.lake.reading(tables) as cursor:
        opened = Count(cursor, logs.version).windows(MINUTES, since, end, "events")
        cursor.register("opened", opened)
        cursor.execute(OPEN_AND_CLOSED if closed else OPEN_ONLY, [first, end])
        yield Minutes(cursor)
