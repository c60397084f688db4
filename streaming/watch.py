"""Follows a query to its end: completed batches, a broker that is away, a stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehouse.errors import LogpondError
from lakehouse.runtime.clock import WallClock
from streaming.progress import Reporter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

LOOK_SECONDS = 0.2
# Spark's word for a query that is started, and between two batches.
WAITING = "Waiting"
SILENCE_SECONDS = 5.0
CHECK_SECONDS = 2.0
PATIENCE_SECONDS = 22.0


@dataclass
class Watch:
    """Waits until a query ends, by itself or because `stop` is set.

    `waits_too_long` is true where the clock was set back: the query is ended, to be started again.
    A stop ends it between two batches. If it does not end in PATIENCE_SECONDS it is `cut_short`:
    its batch has no plan yet, or a complete one, so the next start takes it normally. `check` is
    called now and then while the query is idle; what it or `is_up` raises ends the query. `settled`
    is called while the query has taken a batch, or has none to take.
    """

    spark: SparkSession
    query: StreamingQuery
    reporter: Reporter
    stop: threading.Event
    is_up: Callable[[], bool]
    say: Callable[[str], None]
    check: Callable[[], None] = lambda: None
    settled: Callable[[], None] = lambda: None
    cut_short: bool = False
    waits_too_long: bool = False
    clock: WallClock = field(default_factory=WallClock)
    _is_away: bool = False
    _active_since: float = field(default_factory=time.monotonic)
    _asked_at: float | None = None
    _checked_at: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        """Reports each batch; returns once the query has ended."""
        while self.query.isActive:
            time.sleep(LOOK_SECONDS)
            self.reporter.look(self.query)
            status = self.query.status
            is_active = status["isTriggerActive"]
            if self.reporter.has_reported or status["message"].startswith(WAITING):
                self.settled()
            self.waits_too_long |= self.clock.was_set_back()
            if self.stop.is_set():
                self._end(is_active)
            elif self.waits_too_long and not is_active:
                self.query.stop()
            else:
                self._look_at_kafka(is_active)
        self.reporter.look(self.query)

    def _look_at_kafka(self, is_active: bool) -> None:
        try:
            self._listen(is_active)
            self._check(is_active)
        except LogpondError:
            self.query.stop()
            raise

    def _check(self, is_active: bool) -> None:
        """Checks the topic while the query is idle; a batch is checked when it was read."""
        if is_active or time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self.check()
        self._checked_at = time.monotonic()

    def _end(self, is_active: bool) -> None:
        """Stops the query while it is idle, or makes it give up a batch that does not end."""
        self._asked_at = self._asked_at or time.monotonic()
        if not is_active:
            self.query.stop()
        elif time.monotonic() - self._asked_at > PATIENCE_SECONDS and not self.cut_short:
            self.cut_short = True
            self.say("the batch does not end: it is left to the next start, which takes it once")
            self.spark.sparkContext.cancelJobGroup(str(self.query.runId))

    def _listen(self, is_active: bool) -> None:
        """Reports when the broker went away and came back; it is asked only while nothing moves."""
        silence = time.monotonic() - self._active_since
        if is_active and silence < SILENCE_SECONDS:
            return
        is_away = is_active and not self.is_up()
        if is_away != self._is_away:
            self.say("Kafka does not answer; waiting" if is_away else "Kafka answers again")
        self._is_away, self._active_since = is_away, time.monotonic()
