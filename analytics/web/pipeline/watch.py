"""The status of the pipeline, looked at anew when the last look is some seconds old."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from analytics.look.status import Status, status
from lakehouse.paths import Places

GOOD_FOR_SECONDS = 5.0
# Nobody listens here: a server that was told of no Kafka knows no lag.
NOWHERE = "127.0.0.1:1"


@dataclass
class Watch:
    """One look at a time, whoever asks; late rows are left to `verify`, which reads for them."""

    places: Places
    bootstrap: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _found: Status | None = None
    _looked: float = 0.0

    def status(self) -> Status:
        """How it is; TableError where there is no table."""
        with self._lock:
            if self._found is None or time.monotonic() - self._looked > GOOD_FOR_SECONDS:
                self._found = status(self.places, self.bootstrap or NOWHERE, count_late=False)
                self._looked = time.monotonic()
            return self._found
