"""A report as a value: one statement that both engines understand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import SettingsError
from lakehouse.query.ask import NOW, Moment, ask
from lakehouse.store.disk import in_words

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from pyspark.sql import SparkSession

    from lakehouse.paths import Places

LIMIT = 20
# Rows of a table from a time on, by words that skip whole partitions; a window counts in full.
RECENT = {
    "logs": "date >= {day} AND timestamp >= {at}",
    "traffic": "date >= {day_before} AND window_end > {at}",
    "usage": "date >= {day_before} AND window_end > {at}",
    "anomalies": "coalesce(closed, last_breach) >= {at}",
}


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
    """What a person asks a table again and again.

    `sql` has `{recent}` where it says which rows of `table` count, and may have `{limit}`. `figure`
    draws the rows, where a picture says more.
    """

    name: str
    title: str
    table: str
    sql: str
    figure: Callable[[pa.Table], Figure] | None = None

    def statement(self, since: datetime | None = None, limit: int = LIMIT) -> str:
        """The SQL: rows from `since` on (with zone), all of them without it."""
        recent = RECENT[self.table].format(**_times(since)) if since else "true"
        return self.sql.format(recent=recent, limit=limit).strip()


def traffic_by(keys: str, order: str) -> str:
    """The statement of a report that sums closed and open half hours by some keys."""
    return TRAFFIC_BY.format(keys=keys, order=order)


def run(
    report: Report,
    places: Places,
    since: datetime | None = None,
    limit: int = LIMIT,
    at: Moment = NOW,
    spark: Callable[[], SparkSession] | None = None,
) -> pa.Table:
    """The rows of a report, by Spark if it is given; TableError where its table is not there."""
    return ask(places, report.statement(since, limit), at, spark)


def draw(report: Report, rows: pa.Table, file: Path) -> None:
    """Write the figure of a report as PNG; SettingsError where there is none, or no such place."""
    if not (rows.num_rows and report.figure):
        raise SettingsError(f"there is nothing to draw: {report.name} has no rows", "see --since")
    try:
        with in_words(str(file)):
            report.figure(rows).savefig(file, format="png", dpi=150)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}", "name another file with --png"
        ) from None


def _times(since: datetime) -> dict[str, str]:
    """A time and its day as both engines write them, in UTC, which is the zone of both."""
    utc = since.astimezone(UTC)
    return {
        "at": f"TIMESTAMP '{utc:%Y-%m-%d %H:%M:%S.%f}'",
        "day": f"DATE '{utc:%Y-%m-%d}'",
        "day_before": f"DATE '{utc - timedelta(days=1):%Y-%m-%d}'",
    }
