"""How far ingest is behind, looked at in the background while somebody watches."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lakehouse.errors import LogpondError
from lakehouse.ingest.lag import lag
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka

EVERY_SECONDS, WATCHED_SECONDS, PATIENCE_SECONDS = 5.0, 120.0, 1.0
BEATS_KEPT = 20_000


@dataclass(frozen=True)
class Beat:
    """One look: None where nobody knows. `waiting` are records that ingest has yet to take."""

    at: datetime
    is_running: bool | None
    waiting: int | None


@dataclass
class Pulse:
    """The beats since somebody first watched; a thread that ends with the process makes them."""

    places: Places
    bootstrap: str
    beats: deque[Beat] = field(default_factory=lambda: deque(maxlen=BEATS_KEPT))
    _asked: float = 0.0
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def newest(self) -> Beat | None:
        """The last look; asking keeps it going for a while."""
        self._asked = time.monotonic()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)
                self._thread.start()
        return self.beats[-1] if self.beats else None

    def look(self) -> Beat:
        """How it is now."""
        return Beat(datetime.now(UTC), INGEST.is_running(self.places), self._waiting())

    def _watch(self) -> None:
        while time.monotonic() - self._asked < WATCHED_SECONDS:
            self.beats.append(self.look())
            time.sleep(EVERY_SECONDS)

    def _waiting(self) -> int | None:
        try:
            if not kafka.is_up(self.bootstrap, PATIENCE_SECONDS):
                return None
            found = lag(self.places, self.bootstrap)
        except LogpondError:
            return None
        return found.records if found else None
