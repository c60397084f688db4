"""Runs the windows query beside ingest, in a thread of its own, and once more at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lakehouse.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.rollup import ROLLUPS
from lakehouse.settings import Windows as WindowsSettings
from lakehouse.windows.define import prepare
from streaming import windows
from streaming.job import StopBetweenBatches
from streaming.windows import WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

LOOK_SECONDS = 0.2
UNFILLED = "{table} has gained {columns}: NULL in windows closed before, until `rebuild {table}`"


def admit(places: Places, settings: WindowsSettings, say: Callable[[str], None]) -> None:
    """Make the tables, or refuse to go on with windows of another kind (CheckpointError)."""
    for rollup in ROLLUPS.values():
        if gained := prepare(places, rollup, late(settings)):
            say(UNFILLED.format(table=rollup.name, columns=", ".join(gained)))


def late(settings: WindowsSettings) -> timedelta:
    """How long a window waits for late events."""
    return timedelta(minutes=settings.watermark_minutes)


@dataclass
class WindowsRun:
    """The query `windows` of a Spark application; `failed` hears why it ended by itself."""

    spark: SparkSession
    places: Places
    settings: WindowsSettings
    on_closed: Callable[[WindowsReport], None]
    failed: Callable[[Exception], None]
    reached: Callable[[str], None] = lambda _step: None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failure: Exception | None = None

    def start(self) -> None:
        """Close windows as time goes on, until `stop`."""
        trigger: dict[str, str | bool] = {
            "processingTime": f"{self.settings.trigger_seconds} seconds"
        }
        self._thread = threading.Thread(
            target=self._run, args=(trigger,), name="windows", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End between two commits; again is no fault."""
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def once(self) -> None:
        """Close what the newest event closes, then return."""
        self._stop.clear()
        self._run({"availableNow": True})

    def _run(self, trigger: dict[str, str | bool]) -> None:
        try:
            self.spark.sparkContext.setLocalProperty("spark.scheduler.pool", windows.QUERY)
            self._follow(self._query(trigger))
        except Exception as error:
            self.failed(error)

    def _query(self, trigger: dict[str, str | bool]) -> StreamingQuery:
        times = windows.read(self.spark, self.places)
        closing = windows.Windows(
            places=self.places,
            checkpoint=Checkpoint(self.places, windows.QUERY),
            rollups=[*ROLLUPS.values()],
            is_stopping=self._stop.is_set,
            on_closed=self.on_closed,
            reached=self.reached,
            failed=self._keep,
        )
        half_hours = windows.final_half_hours(times, late(self.settings))
        return windows.start(half_hours, closing, trigger)

    def _follow(self, query: StreamingQuery) -> None:
        """Until it ends, by itself or because a stop finds it idle."""
        while query.isActive:
            time.sleep(LOOK_SECONDS)
            if self._stop.is_set() and not query.status["isTriggerActive"]:
                query.stop()
        error = self._failure or query.exception()
        if error and not isinstance(error, StopBetweenBatches) and not self._stop.is_set():
            raise error

    def _keep(self, error: Exception) -> None:
        self._failure = error
