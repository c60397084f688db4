"""Follows a query to its end: what it completed, a broker that went away, a stop that is due."""

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
SILENCE_SECONDS = 5.0
CHECK_SECONDS = 2.0
PATIENCE_SECONDS = 22.0


@dataclass
class Watch:
    """Until a query ends, by itself or because `stop` is set.

    `waits_too_long` where the clock was set back: it is ended, to be started again.
    A stop ends it between two batches. One that does not end in PATIENCE_SECONDS is `cut_short`:
    it has no plan yet, or one that stands, so the next start takes it as if nothing was. `check` is
    called now and then while it is idle; what that raises ends the query.
    """

    spark: SparkSession
    query: StreamingQuery
    reporter: Reporter
    stop: threading.Event
    is_up: Callable[[], bool]
    say: Callable[[str], None]
    check: Callable[[], None] = lambda: None
    cut_short: bool = False
    waits_too_long: bool = False
    clock: WallClock = field(default_factory=WallClock)
    _is_away: bool = False
    _active_since: float = field(default_factory=time.monotonic)
    _asked_at: float | None = None
    _checked_at: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        """Report each batch; returns once the query has ended."""
        while self.query.isActive:
            time.sleep(LOOK_SECONDS)
            self.reporter.look(self.query)
            is_active = self.query.status["isTriggerActive"]
            self.waits_too_long |= self.clock.was_set_back()
            if self.stop.is_set():
                self._end(is_active)
            elif self.waits_too_long and not is_active:
                self.query.stop()
            else:
                self._listen(is_active)
                self._check(is_active)
        self.reporter.look(self.query)

    def _check(self, is_active: bool) -> None:
        """A batch is checked by itself, once it was read."""
        if is_active or time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        try:
            self.check()
        except LogpondError:
            self.query.stop()
            raise
        self._checked_at = time.monotonic()

    def _end(self, is_active: bool) -> None:
        """Stop it while it is idle, or have it give up a batch that does not end."""
        self._asked_at = self._asked_at or time.monotonic()
        if not is_active:
            self.query.stop()
        elif time.monotonic() - self._asked_at > PATIENCE_SECONDS and not self.cut_short:
            self.cut_short = True
            self.say("the batch does not end: it is left to the next start, which takes it once")
            self.spark.sparkContext.cancelJobGroup(str(self.query.runId))

    def _listen(self, is_active: bool) -> None:
        """Say when the broker went away and when it is back; asked only where nothing moves."""
        silence = time.monotonic() - self._active_since
        if is_active and silence < SILENCE_SECONDS:
            return
        is_away = is_active and not self.is_up()
        if is_away != self._is_away:
            self.say("Kafka does not answer; waiting" if is_away else "Kafka answers again")
        self._is_away, self._active_since = is_away, time.monotonic()
