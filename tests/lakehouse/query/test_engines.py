"""Both engines give the same answers, byte for byte as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.asked import answer, as_json, rows_at
from support.lakes import Lake, events

from lakehouse.errors import SettingsError, TableError
from lakehouse.query.ask import Moment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

ERRORS = (
    "SELECT endpoint, COUNT(*) as error_count FROM logs WHERE status_code >= 400"
    " AND date >= current_date() - 1 GROUP BY endpoint ORDER BY error_count DESC"
)
HOURS = (
    "SELECT hour, COUNT(*) as requests, AVG(response_time) as avg_response_time,"
    " COUNT(DISTINCT ip) as unique_visitors FROM logs WHERE date = current_date()"
    " GROUP BY hour ORDER BY hour"
)
TYPES = (
    "SELECT timestamp, date, hour, is_error, response_time, trace_id, SUM(_offset) AS s"
    " FROM logs WHERE timestamp < now() + INTERVAL '1' HOUR GROUP BY ALL ORDER BY s"
)


@pytest.fixture
def recent(lake: Lake) -> Lake:
    """Yesterday and today, errors among them, and a day that no query counts."""
    now = datetime.now(UTC)
    for days, count in ((0, 40), (1, 30), (5, 20)):
        fields = {"status_code": 500, "endpoint": f"/e{days}", "response_time": 12.5}
        lake.put(rows_at(now - timedelta(days=days), range(count), **fields))
    lake.put(rows_at(now, range(100, 107), ip="192.0.2.8"))
    return lake


@pytest.mark.parametrize("sql", [ERRORS, HOURS, TYPES], ids=["errors", "hours", "types"])
def test_a_query_runs_as_it_is_on_both(recent: Lake, spark: SparkSession, sql: str) -> None:
    """The same rows, types and order."""
    by_duckdb = as_json(recent, sql)
    assert by_duckdb == as_json(recent, sql, spark=lambda: spark)
    assert len(by_duckdb.splitlines()) > 2


def test_the_two_queries_count_what_is_there(recent: Lake) -> None:
    """Errors of two days; requests, mean without NULLs and visitors of this day."""
    assert answer(recent, ERRORS) == [
        {"endpoint": "/e0", "error_count": 40},
        {"endpoint": "/e1", "error_count": 30},
    ]
    today = answer(recent, HOURS)
    assert [(h["requests"], h["avg_response_time"], h["unique_visitors"]) for h in today] == [
        (47, 12.5, 2)
    ]


def test_spark_travels_in_time(lake: Lake, spark: SparkSession) -> None:
    """A version is the same version on both engines."""
    lake.put(events(range(3)))
    lake.put(events(range(3, 5)))
    sql, at = "SELECT COUNT(*) AS n FROM logs", Moment(version=1)
    assert answer(lake, sql, at, lambda: spark) == answer(lake, sql, at) == [{"n": 3}]


def test_spark_describes_a_table(lake: Lake, spark: SparkSession) -> None:
    """DESCRIBE HISTORY and DETAIL find the table by its name."""
    lake.put(events(range(3)))
    past = answer(lake, "DESCRIBE HISTORY logs LIMIT 1;", spark=lambda: spark)
    detail = answer(lake, "-- what\ndescribe detail `logs`", spark=lambda: spark)
    assert [(one["version"], one["operation"]) for one in past] == [(1, "WRITE")]
    assert [(one["numFiles"], one["partitionColumns"]) for one in detail] == [(1, ["date", "hour"])]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM logs INSERT OVERWRITE DIRECTORY '/tmp/nix' SELECT *",
        "DROP TABLE logs",
        "WITH x AS (SELECT 1) INSERT INTO logs SELECT * FROM x",
        "selec 1",
        "SELECT nix FROM logs",
    ],
)
def test_spark_only_reads(lake: Lake, spark: SparkSession, sql: str) -> None:
    """A write is refused before it runs, wherever it hides; a fault is words, no trace."""
    lake.put(events(range(3)))
    with pytest.raises(SettingsError) as caught:
        answer(lake, sql, spark=lambda: spark)
    assert "\tat " not in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_spark_names_the_tables_that_are_there(lake: Lake, spark: SparkSession) -> None:
    """As DuckDB does."""
    lake.put(events(range(3)))
    with pytest.raises(TableError, match="there are: logs"):
        answer(lake, "SELECT * FROM nix", spark=lambda: spark)
