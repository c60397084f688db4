"""The state of ingest, sampled or cached, for pages that must not wait for Kafka."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from analytics.look.status import Backlog, Status, backlog, status
from lakehouse.errors import LogpondError
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection

EVERY_SECONDS, WATCHED_SECONDS = 5.0, 120.0
FIRST_SECONDS, STALE = 0.1, timedelta(seconds=20)
SAMPLES_KEPT = 20_000
GOOD_FOR_SECONDS = 5.0
UNKNOWN = Backlog()


@dataclass(frozen=True)
class LagSample:
    """Whether ingest ran, and what Kafka answered then; None where unknown."""

    at: datetime
    is_running: bool | None
    backlog: Backlog

    @property
    def waiting(self) -> int | None:
        """How many records ingest had yet to take."""
        return self.backlog.lag.records if self.backlog.lag else None


@dataclass
class LagMonitor:
    """Samples the lag of ingest in its own thread, while somebody asks for it."""

    places: Places
    connection: Connection
    samples: deque[LagSample] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    _asked_at: float = 0.0
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sampled: threading.Event = field(default_factory=threading.Event)

    def newest(self) -> LagSample | None:
        """Returns the newest sample at once. Each call keeps the sampling going for two minutes."""
        self._asked_at = time.monotonic()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lag", daemon=True)
                self._thread.start()
        return self.samples[-1] if self.samples else None

    def backlog(self) -> Backlog:
        """Returns what Kafka answered recently; unknown where it does not answer at once."""
        found = self.newest()
        if found is None and self._sampled.wait(FIRST_SECONDS):
            found = self.newest()
        is_fresh = found is not None and datetime.now(UTC) - found.at < STALE
        return found.backlog if found and is_fresh else UNKNOWN

    def sample(self) -> LagSample:
        """Checks the lock of ingest and asks Kafka; takes seconds where Kafka does not answer."""
        try:
            found = backlog(self.places, self.connection)
        except LogpondError:
            found = UNKNOWN
        return LagSample(datetime.now(UTC), INGEST.is_running(self.places), found)

    def _run(self) -> None:
        while time.monotonic() - self._asked_at < WATCHED_SECONDS:
            self.samples.append(self.sample())
            self._sampled.set()
            time.sleep(EVERY_SECONDS)


@dataclass
class StatusCache:
    """The status of a lake, at most some seconds old; one request at a time renews it.

    Late rows are not counted: `verify` does that. Without a monitor, Kafka is unknown.
    """

    places: Places
    monitor: LagMonitor | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _status: Status | None = None
    _looked_at: float = 0.0

    def status(self) -> Status:
        """Returns the status. Raises TableError where there is no table."""
        with self._lock:
            if self._status is None or time.monotonic() - self._looked_at > GOOD_FOR_SECONDS:
                kafka = self.monitor.connection if self.monitor else None
                known = self.monitor.backlog() if self.monitor else UNKNOWN
                self._status = status(self.places, kafka, count_late=False, known=known)
                self._looked_at = time.monotonic()
            return self._status
