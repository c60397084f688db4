"""Spark reads a state that Delta has not kept as DuckDB does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.asked import answer
from support.lakes import Lake
from support.pasts import Diary
from support.windows import Pond, at, logged

from lakehouse import maintenance, store
from lakehouse.query.ask import Moment
from lakehouse.store.log import Log
from lakehouse.tables.rollups import TRAFFIC

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.slow
def test_both_engines_read_the_same_past(lake: Lake, spark: SparkSession) -> None:
    """Rows of files in part, and windows that are counted again."""
    diary = Diary(lake)
    diary.commits(60)
    maintenance.optimize(lake.places, "logs")
    diary.trim(5)
    query = "SELECT COUNT(_offset) AS n FROM logs"
    for version in (7, 40):
        found = answer(lake, query, Moment(version=version), lambda: spark)
        assert found == [{"n": diary.notes[version][0]}]


@pytest.mark.slow
def test_windows_are_counted_again_by_spark_too(lake: Lake, spark: SparkSession) -> None:
    """Which of them were closed then is not known."""
    pond = Pond(lake)
    pond.arrive(logged([at(5), at(40)]))
    pond.close(at(60), [TRAFFIC])
    when = Log(lake.places, "logs").time(1)
    store.open_table(lake.places, TRAFFIC.name).create_checkpoint()
    log = Path(lake.places.delta_log(TRAFFIC.name))
    for version in range(store.open_table(lake.places, TRAFFIC.name).version()):
        (log / f"{version:020d}.json").unlink()

    query = "SELECT granularity, requests, is_final FROM traffic ORDER BY ALL"
    found = [answer(lake, query, Moment(as_of=when), of) for of in (None, lambda: spark)]
    assert found[0] == found[1]
    assert {row["is_final"] for row in found[0]} == {None}
