"""A query's failure is told by its cause, not by where it surfaced."""

import pytest

from streaming.explained import explained

JAVA = """An error occurred while calling o102.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""
PYTHON = """: org.apache.spark.SparkException: Job aborted due to stage failure
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "files.py", line 1, in __call__
OSError: [Errno 28] No space left on device

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException
"""


@pytest.mark.parametrize("error", [JAVA, PYTHON], ids=["java", "python"])
def test_the_first_cause_is_named(error: str) -> None:
    """The last exception of a chain is what a person can act on."""
    told = explained(error, "web-logs")
    assert "No space left on device" in told.what
    assert "\n" not in told.what


def test_lost_records_are_told_as_such() -> None:
    """Where Kafka removed what is due, the remedy is a recovery."""
    assert "recover" in explained("OffsetOutOfRangeException: ...", "web-logs").remedy
