"""A query's failure is told by its cause, not by where it surfaced."""

from pathlib import Path

import pytest

from lakehouse.paths import Places
from lakehouse.windows.failure import explained as explained_query
from streaming.failure import explained
from streaming.fetch import TOO_LARGE

JAVA = """An error occurred while calling o102.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)
Caused by: java.io.IOException: Too many open files
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""
PYTHON = """: org.apache.spark.SparkException: Job aborted due to stage failure
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "files.py", line 1, in __call__
OSError: [Errno 24] Too many open files

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException
"""


@pytest.mark.parametrize("error", [JAVA, PYTHON], ids=["java", "python"])
def test_the_first_cause_is_named(error: str) -> None:
    """The last exception of a chain is what a person can act on."""
    told = explained(error, "web-logs", ["/lake"])
    assert "Too many open files" in told.what
    assert "\n" not in told.what


def test_a_batch_that_is_too_large_is_told_with_where_it_is() -> None:
    """What Spark passes on is a stack trace that holds the words."""
    said = f"{PYTHON}lakehouse.errors.BrokerError: records of t {TOO_LARGE} 1 MB: message at 7\n  x"
    told = explained(said, "t", ["/lake"])
    assert told.what == f"records of t {TOO_LARGE} 1 MB: message at 7"
    assert "smaller batches" in told.remedy


def test_lost_records_are_told_as_such() -> None:
    """Where Kafka removed what is due, the remedy is a recovery."""
    assert "recover" in explained("OffsetOutOfRangeException: ...", "web-logs", ["/lake"]).remedy


@pytest.mark.parametrize(
    "said",
    [
        "java.io.IOException: No space left on device",
        "java.io.FileNotFoundException: /x/offsets/.7.tmp (No space left on device)",
        "Disk quota exceeded",
    ],
)
def test_a_full_disk_is_named(said: str, tmp_path: Path) -> None:
    """Spark does not say which one is full; a file that could not be made is none that is gone."""
    for told in (
        explained(said, "web-logs", [str(tmp_path)]),
        explained_query(OSError(said), "windows", Places(str(tmp_path), str(tmp_path))),
    ):
        assert f"the disk that holds {tmp_path} is full" in told.what
        assert "make room" in told.remedy


def test_the_disk_that_a_worker_named_is_the_full_one(tmp_path: Path) -> None:
    """Its words come through Java as text, within a stack trace."""
    said = f"{JAVA}SettingsError: the disk that holds {tmp_path}/a b is full (0.0 MB free)\n  make"
    assert f"{tmp_path}/a b is full (" in explained(said, "web-logs", ["/"]).what
