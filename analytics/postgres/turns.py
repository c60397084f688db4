"""Answers that are open take turns: they hold a place while they work, not while a client reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic

from analytics.postgres.messages import Refused
from lakehouse.http.asker import ASKER, Asker, asker, one_of
from lakehouse.query.limits import too_long
from lakehouse.settings import Sql

PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.2
# For each that works: how many may be open, each with a DuckDB of its own.
MOST_OPEN = 4


class Turns:
    """One open answer: it waits for its turn before each piece of work, and ends with its time."""

    def __init__(self, slots: threading.Semaphore, limits: Sql) -> None:
        self.limits, self.is_over = limits, False
        self._slots, self._asker = slots, Asker()
        self._outer, self._opening = asker(), ExitStack()
        self._until = monotonic() + limits.seconds

    @contextmanager
    def first(self) -> Iterator[None]:
        """Works until `pause`, for whoever asks now. Raises Busy where no turn comes soon."""
        try:
            token = ASKER.set(self._asker)
            self._opening.callback(ASKER.reset, token)
            self._opening.enter_context(self._outer.calling(self.leave))
            self._opening.enter_context(one_of(self._slots, PATIENCE_SECONDS))
            yield
        finally:
            self.pause()

    def pause(self) -> None:
        """Gives the place back until there is more to do."""
        self._opening.close()

    @contextmanager
    def next(self) -> Iterator[None]:
        """Works on, in any thread, once others let it. Raises SettingsError where time is over."""
        while not self._slots.acquire(timeout=LOOK_SECONDS):
            self._check()
        try:
            self._check()
            yield
        finally:
            self._slots.release()

    def leave(self) -> None:
        """Ends what is being worked on, from any thread."""
        self._asker.leave()

    def expire(self) -> None:
        """Ends it as its time is over."""
        self.is_over = True
        self.leave()

    def overdue(self) -> Refused:
        """Returns what is said of an answer that was open for too long."""
        return Refused(
            "57014",
            f"the answer was not read to its end within {self.limits.seconds:g} s, so it was ended",
            "fetch its rows sooner, ask for fewer, or raise [postgres] seconds",
        )

    def _check(self) -> None:
        self._asker.check()
        if monotonic() > self._until:
            raise too_long(self.limits)


@dataclass
class Lane:
    """Places for some answers that work at once, and for a few times as many that are open."""

    at_once: int
    _working: threading.Semaphore = field(init=False)
    _open: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._working = threading.Semaphore(self.at_once)
        self._open = threading.Semaphore(self.at_once * MOST_OPEN)

    @contextmanager
    def admitted(self, limits: Sql) -> Iterator[Turns]:
        """Yields the turns of one more answer. Raises Busy where too many are open."""
        with one_of(self._open, PATIENCE_SECONDS):
            yield Turns(self._working, limits)
