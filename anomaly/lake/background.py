"""A background thread for a query: it looks when woken, and has a pulse now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lakehouse.windows.run import ClosingRun

EVERY_SECONDS = 15.0
# Whether a stop was asked for: a look that takes long ends where it can go on later.
IsStopping = Callable[[], bool]


class Background:
    """Runs `look` each time it is woken and `pulse` now and then, in a thread of its own.

    What they raise is passed to `failed`, and ends the thread.
    """

    def __init__(
        self,
        look: Callable[[IsStopping], None],
        pulse: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._look, self._pulse, self._failed = look, pulse, failed
        self._woken, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Looks now, and then until `stop`."""
        self.wake()
        self._thread = threading.Thread(target=self._run, name="detection", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Makes the thread look: there is something new."""
        self._woken.set()

    def stop(self) -> None:
        """Ends the thread as soon as a running look can stop. May be called again."""
        self._stop.set()
        self.wake()
        if self._thread:
            self._thread.join()
            self._thread = None

    def once(self) -> None:
        """Looks once, in the thread of the caller."""
        with self._reporting():
            self._look(lambda: False)

    def _run(self) -> None:
        pulsed = time.monotonic()
        with self._reporting():
            while True:
                is_woken = self._woken.wait(EVERY_SECONDS)
                if self._stop.is_set():
                    return
                if is_woken:
                    self._woken.clear()
                    self._look(self._stop.is_set)
                if time.monotonic() - pulsed >= EVERY_SECONDS:
                    pulsed = time.monotonic()
                    self._pulse()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._failed(error)


class DetectionRun(ClosingRun):
    """A query that closes windows, with a background thread; `fold` takes what was closed."""

    fold: Callable[[], object]
    background: Background

    def start(self) -> None:
        """Closes windows as time goes on, until `stop`."""
        self.background.start()
        super().start()

    def stop(self) -> None:
        """Ends between two commits. May be called again."""
        super().stop()
        self.background.stop()

    def once(self) -> None:
        """Closes what the newest event closes, folds it, looks once more, and returns.

        Minutes that an earlier run closed but did not fold are folded too, although the query
        closes nothing new then.
        """
        super().once()
        try:
            self.fold()
        except Exception as error:
            self.failed(error)
        self.background.once()
