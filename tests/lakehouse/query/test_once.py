"""`logs_once`: what was sent twice under one name is there once, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.asked import answer, as_json
from support.lakes import Lake, events

from lakehouse.errors import TableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COUNTS = (
    "SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS ids, SUM(_offset) AS first FROM logs_once"
)


@pytest.fixture
def repeated(lake: Lake) -> Lake:
    """Five events, three of them sent again under their ids."""
    rows = events(range(8))
    ids = [f"e-{offset % 5}" for offset in range(8)]
    at = rows.schema.get_field_index("event_id")
    lake.put(rows.set_column(at, rows.schema.field(at), [ids]))
    return lake


def test_the_first_of_each_event_is_there(repeated: Lake) -> None:
    """And nothing else; beside `logs` itself, with the same columns."""
    assert answer(repeated, COUNTS) == [{"n": 5, "ids": 5, "first": 10}]
    both = "SELECT (SELECT COUNT(*) FROM logs) AS a, (SELECT COUNT(*) FROM LOGS_ONCE) AS b"
    assert answer(repeated, both) == [{"a": 8, "b": 5}]
    columns = [{*row} for row in answer(repeated, "SELECT * FROM logs_once LIMIT 1")]
    assert columns == [{*row} for row in answer(repeated, "SELECT * FROM logs LIMIT 1")]


def test_a_lake_without_logs_says_so(lake: Lake) -> None:
    """In words, as for any table."""
    with pytest.raises(TableError):
        answer(lake, COUNTS)


@pytest.mark.spark
def test_spark_gives_the_same(repeated: Lake, spark: SparkSession) -> None:
    """Also where the statement names `logs` too."""
    both = "SELECT (SELECT COUNT(*) FROM logs) AS a, (SELECT COUNT(*) FROM logs_once) AS b"
    for sql in (COUNTS, both):
        assert as_json(repeated, sql) == as_json(repeated, sql, spark=lambda: spark)
