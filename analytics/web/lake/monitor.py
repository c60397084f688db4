"""The state of ingest for pages that must not wait for Kafka: sampled or cached."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from analytics.look.status import Status, status
from lakehouse.errors import LogpondError
from lakehouse.ingest.lag import lag
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka

EVERY_SECONDS, WATCHED_SECONDS, KAFKA_TIMEOUT_SECONDS = 5.0, 120.0, 1.0
SAMPLES_KEPT = 20_000
GOOD_FOR_SECONDS = 5.0
# Nobody listens here: a server that knows no Kafka knows no lag.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class LagSample:
    """Whether ingest ran, and how many records it had yet to take; None where nobody knows."""

    at: datetime
    is_running: bool | None
    waiting: int | None


@dataclass
class LagMonitor:
    """Samples the lag of ingest while somebody asks for it, in a thread of its own."""

    places: Places
    bootstrap: str
    samples: deque[LagSample] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    _asked_at: float = 0.0
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def newest(self) -> LagSample | None:
        """The newest sample, at once. Asking keeps the sampling going for two minutes."""
        self._asked_at = time.monotonic()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lag", daemon=True)
                self._thread.start()
        return self.samples[-1] if self.samples else None

    def sample(self) -> LagSample:
        """Look at the lock of ingest and ask Kafka; takes seconds where Kafka does not answer."""
        return LagSample(datetime.now(UTC), INGEST.is_running(self.places), self._waiting())

    def _run(self) -> None:
        while time.monotonic() - self._asked_at < WATCHED_SECONDS:
            self.samples.append(self.sample())
            time.sleep(EVERY_SECONDS)

    def _waiting(self) -> int | None:
        try:
            if not kafka.is_up(self.bootstrap, KAFKA_TIMEOUT_SECONDS):
                return None
            found = lag(self.places, self.bootstrap)
        except LogpondError:
            return None
        return found.records if found else None


@dataclass
class StatusCache:
    """The status of a lake, at most some seconds old; one request at a time looks at it anew.

    Late rows are not counted: `verify` does that.
    """

    places: Places
    bootstrap: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _status: Status | None = None
    _looked_at: float = 0.0

    def status(self) -> Status:
        """The status; TableError where there is no table."""
        with self._lock:
            if self._status is None or time.monotonic() - self._looked_at > GOOD_FOR_SECONDS:
                self._status = status(self.places, self.bootstrap or NOWHERE, count_late=False)
                self._looked_at = time.monotonic()
            return self._status
