"""What a process has that holds a lease, in a bucket or in a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lakehouse.errors import LogpondError
from lakehouse.store.lease.record import Record


class Grant(Protocol):
    """A lease that was taken by this process."""

    @property
    def record(self) -> Record:
        """What its object says."""

    @property
    def is_after_clean(self) -> bool:
        """Whether who held it before released it, or nobody did: then nobody else can write."""

    def confirm(self) -> None:
        """Raises LeaseError unless it is held now; a bucket that does not answer is waited for."""

    def raise_epoch(self, epoch: int) -> None:
        """Takes a higher epoch."""

    def when_lost(self, notify: Callable[[LogpondError], None]) -> None:
        """Has `notify` called, from another thread, when the lease is lost."""


class Standby:
    """How to wait for a lease: `is_stopping` ends it, `say` is told whom it waits for."""

    def __init__(self, is_stopping: Callable[[], bool], say: Callable[[str], None]) -> None:
        self.is_stopping, self._say = is_stopping, say
        self._last = ""

    def say(self, what: str) -> None:
        """Tells it once."""
        if what != self._last:
            self._last = what
            self._say(what)


class StoppedWaiting(Exception):
    """A standby was stopped before it got the lease."""
