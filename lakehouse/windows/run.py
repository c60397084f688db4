"""Runs a query that closes windows in its own thread, and once more at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.runtime.clock import WallClock
from lakehouse.tables.rollups import Rollup
from lakehouse.windows import stream
from lakehouse.windows.failure import explained
from lakehouse.windows.stream import Closing, StopBetweenCommits, WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

LOOK_SECONDS = 0.2


@dataclass
class ClosingRun:
    """A query of a Spark application. `failed` is called with an error if it ends by itself.

    Its rollups have windows of one size, and wait `late` for late events.
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
        self._failure = None
        try:
            self.spark.sparkContext.setLocalProperty("spark.scheduler.pool", self.query)
            while self._follow(self._query(trigger)):
                continue
        except Exception as error:
            self.failed(explained(error, self.query, self.places))

    def _query(self, trigger: dict[str, str | bool]) -> StreamingQuery:
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
        if error and not isinstance(error, StopBetweenCommits) and not self._stop.is_set():
            raise error
        return waits_too_long and not self._stop.is_set()

    def _keep(self, error: Exception) -> None:
        self._failure = error
