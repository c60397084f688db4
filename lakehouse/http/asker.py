"""Whoever waits for an answer: work that is done for them ends when they are gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lakehouse.errors import LogpondError


class Busy(LogpondError):
    """As much is being worked on as may be at once: ask again later."""

    def __init__(self) -> None:
        super().__init__("the server has as much to do as it takes on", "try again in a moment")


class Gone(LogpondError):
    """Nobody waits for this answer any more."""

    def __init__(self) -> None:
        super().__init__("nobody waits for this any more")


@contextmanager
def one_of(slots: threading.Semaphore, patience_seconds: float) -> Iterator[None]:
    """Takes one of some slots for a while. Raises Busy where none becomes free soon."""
    if not slots.acquire(timeout=patience_seconds):
        raise Busy
    try:
        yield
    finally:
        slots.release()


class Asker:
    """One request, for as long as somebody waits for its answer."""

    def __init__(self) -> None:
        self.is_gone = False
        self._calls: set[Callable[[], None]] = set()
        self._lock = threading.Lock()

    def leave(self) -> None:
        """Nobody waits any more: make the calls that were asked for."""
        with self._lock:
            self.is_gone = True
            for call in self._calls:
                call()

    def check(self) -> None:
        """Raises Gone where the asker has left; work in Python calls it now and then."""
        if self.is_gone:
            raise Gone

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Have `call` made, from any thread, if the asker leaves within the block.

        It must be quick. Raises Gone where the asker has left before.
        """
        with self._lock:
            self.check()
            self._calls.add(call)
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)


ASKER: ContextVar[Asker] = ContextVar("asker")


def asker() -> Asker:
    """Returns who waits for the present work; outside of a request, one who always waits."""
    return ASKER.get(None) or Asker()
