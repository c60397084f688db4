"""A report: one SQL statement that both engines understand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import SettingsError
from lakehouse.query.ask import NOW, Moment, ask
from lakehouse.runtime import rights
from lakehouse.store.disk import in_words

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from pyspark.sql import SparkSession

    from lakehouse.paths import Places
    from lakehouse.settings import Sql

LIMIT = 20
# Rows of a table from a time on, by words that skip whole partitions; a window counts in full.
RECENT = {
    "logs": "date >= {day} AND timestamp >= {at}",
    "traffic": "date >= {day_before} AND window_end > {at}",
    "usage": "date >= {day_before} AND window_end > {at}",
    "anomalies": "coalesce(closed, last_breach) >= {at}",
}
# The same from `$from` to `$to`, which are parameters.
RANGED = {
    "logs": "date >= CAST($from AS DATE) AND timestamp >= $from AND timestamp < $to",
    "traffic": "date >= CAST($from AS DATE) - 1 AND window_end > $from AND window_start < $to",
    "usage": "date >= CAST($from AS DATE) - 1 AND window_end > $from AND window_start < $to",
    "anomalies": "coalesce(closed, last_breach) >= $from AND opened < $to",
}

# `{all}` in a statement: how regexp_replace of an engine is told to replace all that it finds.
REPLACE_ALL = {"duckdb": ", 'g'", "spark": ""}
TRAFFIC_BY = """
SELECT {keys}, CAST(SUM(requests) AS BIGINT) AS requests,
    CAST(SUM(client_errors) AS BIGINT) AS client_errors,
    CAST(SUM(server_errors) AS BIGINT) AS server_errors,
    ROUND(CAST(SUM(client_errors) + SUM(server_errors) AS DOUBLE) / SUM(requests), 4)
        AS error_rate,
    ROUND(SUM(latency_total) / SUM(latency_total / NULLIF(latency_mean, 0)), 3) AS latency_mean,
    ROUND(MAX(latency_p95), 3) AS worst_p95,
    CAST(SUM(bytes) AS BIGINT) AS bytes
FROM traffic
WHERE granularity = '30m' AND {{recent}}
GROUP BY ALL
ORDER BY {order}
"""


@dataclass(frozen=True)
class Report:
    """A question about a table that is asked often.

    `sql` has `{recent}` where the rows of `table` are selected by time, and may have `{limit}`.
    `figure` draws the rows, if a chart is useful. `fold` makes the rows of the report of those of
    the statement, as many as asked for, or those that are new since a time.
    """

    name: str
    title: str
    table: str
    sql: str
    figure: Callable[[pa.Table], Figure] | None = None
    fold: Callable[[pa.Table, int, datetime | None], pa.Table] | None = None

    def statement(
        self, since: datetime | None = None, limit: int = LIMIT, engine: str = "duckdb"
    ) -> str:
        """Returns the SQL for rows from `since` on (with a zone), or for all rows."""
        recent = RECENT[self.table].format(**_times(since)) if since else "true"
        return self.sql.format(recent=recent, limit=limit, all=REPLACE_ALL[engine]).strip()

    def ranged(self, limit: int = LIMIT) -> str:
        """Returns the SQL, for DuckDB, of rows from `$from` on and before `$to`."""
        recent, all_ = RANGED[self.table], REPLACE_ALL["duckdb"]
        return self.sql.format(recent=recent, limit=limit, all=all_).strip()


def traffic_by(keys: str, order: str) -> str:
    """Returns the statement of a report that sums closed and open half hours by some keys."""
    return TRAFFIC_BY.format(keys=keys, order=order)


def run(
    report: Report,
    places: Places,
    since: datetime | None = None,
    limit: int = LIMIT,
    at: Moment = NOW,
    spark: Callable[[], SparkSession] | None = None,
    new_since: datetime | None = None,
    limits: Sql | None = None,
) -> pa.Table:
    """Returns the rows of a report, by Spark if given. Raises TableError without its table."""
    statement = report.statement(since, limit, "spark" if spark else "duckdb")
    rows = ask(places, statement, at, spark, limits)
    if report.fold is None:
        return rows
    found = report.fold(rows, limit, new_since)
    return found.replace_schema_metadata(rows.schema.metadata)


def draw(report: Report, rows: pa.Table, file: Path) -> None:
    """Writes the figure of a report as PNG. Raises SettingsError without a figure or a folder."""
    if not (rows.num_rows and report.figure):
        raise SettingsError(f"there is nothing to draw: {report.name} has no rows", "see --since")
    try:
        with in_words(str(file)), rights.as_user():
            report.figure(rows).savefig(file, format="png", dpi=150)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}", "name another file with --png"
        ) from None


def _times(since: datetime) -> dict[str, str]:
    """Returns a time and its day as literals for both engines, in UTC."""
    utc = since.astimezone(UTC)
    return {
        "at": f"TIMESTAMP '{utc:%Y-%m-%d %H:%M:%S.%f}'",
        "day": f"DATE '{utc:%Y-%m-%d}'",
        "day_before": f"DATE '{utc - timedelta(days=1):%Y-%m-%d}'",
    }
