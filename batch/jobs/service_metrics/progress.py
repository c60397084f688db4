"""How far Spark is, for a person who waits: tasks done of the job that runs, on one line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOOK_SECONDS = 0.5
CLEAR = "\r\x1b[K"


@contextmanager
def displayed(spark: SparkSession, out: TextIO) -> Iterator[None]:
    """Shows progress on a terminal, and nothing elsewhere, until the block ends."""
    if not out.isatty():
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(spark, out, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(spark: SparkSession, out: TextIO, over: threading.Event) -> None:
    tracker = spark.sparkContext.statusTracker()
    while not over.wait(LOOK_SECONDS):
        done, total = tasks(tracker)
        if total:
            out.write(f"{CLEAR}{done} of {total} tasks")
            out.flush()
    out.write(CLEAR)
    out.flush()


def tasks(tracker: Any) -> tuple[int, int]:
    """Tasks that are done, and all, of the stages that run."""
    stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
    found = [stage for stage in stages if stage]
    return sum(s.numCompletedTasks for s in found), sum(s.numTasks for s in found)
