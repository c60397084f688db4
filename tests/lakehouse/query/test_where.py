"""A query of logs beside a statement: of `logs` it sees the rows that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deltalake import write_deltalake
from support.lakes import Lake
from support.windows import Pond, at, logged

from lakehouse.errors import SettingsError
from lakehouse.query.ask import ask
from lakehouse.query.search import parse
from lakehouse.tables.catalog import LOGS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("sql", "where", "rows"),
    [
        ("SELECT event_id FROM logs ORDER BY 1", "status:5xx", [{"event_id": "b"}]),
        ("SELECT COUNT(*) AS n FROM logs AS l, logs AS m", "-status:5xx", [{"n": 4}]),
        ("WITH x AS (FROM logs) SELECT COUNT(*) AS n FROM x", "service:none", [{"n": 0}]),
        ("SELECT event_id FROM logs_once", "status:5xx", [{"event_id": "b"}]),
    ],
)
def test_a_query_chooses_the_rows_that_a_statement_sees(
    lake: Lake, sql: str, where: str, rows: list[dict[str, Any]]
) -> None:
    """Wherever it names `logs`."""
    Pond(lake).arrive(
        logged([at(1), at(2), at(3)], event_id=["a", "b", "c"], status_code=[200, 503, 404])
    )
    assert ask(lake.places, sql, where=parse(where)).to_pylist() == rows


@pytest.mark.spark
@pytest.mark.parametrize("sql", ["SELECT event_id FROM logs", "SELECT event_id FROM logs_once"])
def test_a_query_chooses_the_same_rows_for_spark(lake: Lake, spark: SparkSession, sql: str) -> None:
    """The same statement, the same query, the same rows; also by way of a view of them."""
    Pond(lake).arrive(logged([at(1), at(2)], event_id=["a", "b"], status_code=[200, 503]))
    where = parse("status:5xx -service:none")
    found = ask(lake.places, sql, spark=lambda: spark, where=where)
    assert (
        found.to_pylist() == ask(lake.places, sql, where=where).to_pylist() == [{"event_id": "b"}]
    )


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT COUNT(*) FROM traffic", "SHOW TABLES"])
def test_a_query_beside_a_statement_without_logs_is_refused(lake: Lake, sql: str) -> None:
    """It would choose nothing, unseen."""
    pond = Pond(lake)
    pond.arrive(logged([at(1)]))
    pond.close(at(60))
    with pytest.raises(SettingsError, match="reads none"):
        ask(lake.places, sql, where=parse("status:5xx"))


def old(lake: Lake) -> None:
    """A lake of before messages: one row, and a table without the columns that came later."""
    rows = logged([at(1)], event_id=["old"])
    later = ["message", "severity_number", "host", "exception", "attributes", "_item"]
    where = lake.places.table(LOGS)
    write_deltalake(where, rows.drop_columns(later), partition_by=["date", "hour"])


ASKED = "SELECT event_id, message, attributes FROM logs WHERE host IS NULL"
NOTHING = [{"event_id": "old", "message": None, "attributes": None}]


def test_what_came_later_is_nothing_in_an_old_lake(lake: Lake) -> None:
    """Its rows are asked for as any others, before anything was written to it again."""
    old(lake)
    where = parse("-message:* -attributes.k:x status:200")
    assert ask(lake.places, ASKED, where=where).to_pylist() == NOTHING


@pytest.mark.spark
def test_what_came_later_is_nothing_for_spark(lake: Lake, spark: SparkSession) -> None:
    """Neither."""
    old(lake)
    where = parse("-message:* -attributes.k:x status:200")
    assert ask(lake.places, ASKED, spark=lambda: spark, where=where).to_pylist() == NOTHING
