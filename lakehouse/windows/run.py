"""Runs a query that closes windows in its own thread, and once more at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.runtime.clock import WallClock
from lakehouse.tables.rollups import Rollup
from lakehouse.windows import stream
from lakehouse.windows.failure import explained, is_gone
from lakehouse.windows.stream import Closing, StopBetweenCommits, WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

LOOK_SECONDS = 0.2
NEVER = -2


@dataclass
class ClosingRun:
    """A query of a Spark application. `failed` is called with an error if it ends by itself.

    Its rollups have windows of one size, and wait `late` for late events. What was deleted under
    its hands, as `erase` does with older versions, it looks for in the newest one: once a batch.
    """

    spark: SparkSession
    places: Places
    query: str
    rollups: Sequence[Rollup]
    late: timedelta
    trigger_seconds: float
    on_closed: Callable[[WindowsReport], None]
    failed: Callable[[Exception], None]
    reached: Callable[[str], None] = lambda _step: None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failure: Exception | None = None
    _lost_at: int | None = NEVER

    def start(self) -> None:
        """Closes windows as time goes on, until `stop`."""
        trigger: dict[str, str | bool] = {"processingTime": f"{self.trigger_seconds} seconds"}
        self._thread = threading.Thread(
            target=self._run, args=(trigger,), name=self.query, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends between two commits. May be called again."""
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def once(self) -> None:
        """Closes what the newest event closes, then returns."""
        self._stop.clear()
        self._run({"availableNow": True})

    def _run(self, trigger: dict[str, str | bool]) -> None:
        self._lost_at = NEVER
        try:
            self.spark.sparkContext.setLocalProperty("spark.scheduler.pool", self.query)
            while self._follow(self._query(trigger)):
                continue
        except Exception as error:
            self.failed(explained(error, self.query, self.places))

    def _query(self, trigger: dict[str, str | bool]) -> StreamingQuery:
        self._failure = None
        times = stream.read(self.spark, self.places)
        closing = Closing(
            places=self.places,
            checkpoint=Checkpoint(self.places, self.query),
            rollups=self.rollups,
            is_stopping=self._stop.is_set,
            on_closed=self.on_closed,
            reached=self.reached,
            failed=self._keep,
        )
        windows = stream.final_windows(times, self.late, self.rollups[0].window)
        return stream.start(windows, closing, trigger)

    def _follow(self, query: StreamingQuery) -> bool:
        """Waits until the query ends, by itself or by a stop; returns whether to start it again."""
        clock, waits_too_long = WallClock(), False
        while query.isActive:
            time.sleep(LOOK_SECONDS)
            waits_too_long |= clock.was_set_back()
            is_due = self._stop.is_set() or waits_too_long
            if is_due and not query.status["isTriggerActive"]:
                query.stop()
        error = self._failure or query.exception()
        if self._stop.is_set() or isinstance(error, StopBetweenCommits):
            return False
        if error and not self._may_look_again(error):
            raise error
        return waits_too_long or error is not None

    def _may_look_again(self, error: Exception) -> bool:
        """Whether files went that it had opened; without a batch since the last time they lack."""
        progress = Checkpoint(self.places, self.query).progress()
        before, self._lost_at = self._lost_at, progress.completed if progress else None
        if not is_gone(error) or before == self._lost_at:
            return False
        java: Any = self.spark._jvm
        java.org.apache.spark.sql.delta.DeltaLog.clearCache()
        return True

    def _keep(self, error: Exception) -> None:
        self._failure = error
