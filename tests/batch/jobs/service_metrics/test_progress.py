"""How far Spark is, on a terminal alone."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from batch.jobs.service_metrics import progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def slowly(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A task that takes long enough to be seen."""
    time.sleep(0.3)
    yield from batches


def watched(spark: SparkSession, out: io.StringIO) -> str:
    """What is shown while five tasks run."""
    with progress.displayed(spark, out):
        spark.range(0, 5, 1, 5).mapInArrow(slowly, "id long").collect()
    return out.getvalue()


def test_tasks_are_counted_on_one_line(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go up, and the line is cleared at the end."""
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    said = watched(spark, Terminal())
    done = [int(count) for count in re.findall(r"(\d) of 5 tasks", said)]
    assert done == sorted(done)
    assert done[0] < done[-1]
    assert said.endswith(progress.CLEAR)
    assert "\n" not in said


def test_a_file_gets_nothing(spark: SparkSession) -> None:
    """Where nobody looks, nothing is written."""
    assert watched(spark, io.StringIO()) == ""
