"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second for a quick one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stops:
    """What was asked for; `asked` and `hurry` are set for good."""

    def __init__(self) -> None:
        self.asked, self.hurry = threading.Event(), threading.Event()

    @contextmanager
    def listening(self) -> Iterator[Stops]:
        """Hear the signals until the end of the block; the third ends the process as usual."""
        before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.hurry.is_set():
            raise KeyboardInterrupt
        (self.hurry if self.asked.is_set() else self.asked).set()
