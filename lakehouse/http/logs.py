"""What a server says of itself, in bounds: so many lines a minute, whoever makes it say them."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

LINES_A_MINUTE = 60
NAMES = ("uvicorn.error", "asyncio", "logpond.audit")


class Sparing(logging.Filter):
    """Lets so many lines a minute pass, and then says how many it left out."""

    def __init__(
        self, most: int = LINES_A_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most, self._clock = most, clock
        self._minute, self._count = -1, 0
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line passes; the first of a minute says how many were dropped before."""
        with self._lock:
            minute = int(self._clock() / 60)
            if minute != self._minute:
                left_out = self._count - self._most
                self._minute, self._count = minute, 0
                if left_out > 0:
                    record.msg, record.args = f"{record.getMessage()} ({left_out} left out)", ()
            self._count += 1
            return self._count <= self._most


def configure() -> None:
    """Have what servers, connections and the audit say printed as lines to stderr, in bounds."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(Sparing())
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
    logging.getLogger("logpond.audit").setLevel(logging.INFO)
