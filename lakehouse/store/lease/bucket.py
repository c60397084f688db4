"""A lease in a bucket: an object that is taken and renewed in place of the version that was seen.

After a crash at any point the object is there with its last renewal, or as another took it. Who
waits sees that it is not renewed, and takes it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from lakehouse.errors import LeaseError, LogpondError, StorageError
from lakehouse.storage import reach
from lakehouse.storage.lost_answers import repeated
from lakehouse.store import objects
from lakehouse.store.lease import state
from lakehouse.store.lease.folder import in_use
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.store.lease.record import MOST_BYTES, Record, decoded, taken
from lakehouse.store.lease.state import Found, Hold, Phase, Released, Renewed, Unanswered, Verdict
from lakehouse.terminal.render import escaped

OBJECT = "lease.json"
RENEWALS, RETRIES, LOOKS = 3, 20, 10  # in the time that a lease lasts
DELETED = "deleted"  # the version of what is not there, and must have been
WAITED = 4  # times that, for a bucket that does not answer


def ticks() -> float:
    """Returns seconds of a clock that nobody sets; one that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class BucketLease:
    """A lease that a thread renews until `release`; `clock` only goes forward."""

    def __init__(
        self,
        at: Any,
        place: str,
        record: Record,
        version: str,
        began: float,
        is_after_clean: bool,
        clock: Callable[[], float] = ticks,
    ) -> None:
        self.record, self.is_after_clean = record, is_after_clean
        self._at, self._place, self._clock, self._owner = at, place, clock, os.getpid()
        self._hold = Hold(record.nonce, record.ttl, version, began + record.ttl)
        self._listeners: list[Callable[[LogpondError], None]] = []
        self._taker: Record | None = None
        self._changed, self._over = threading.Condition(threading.RLock()), threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Renews from now on."""
        self._thread.start()

    def confirm(self) -> None:
        """Returns while nobody else can have taken it.

        When its time is over, as after a bucket that did not answer or a process that was frozen,
        a renewal is waited for. Raises LeaseError where another took it, or none is answered.
        """
        if self._owner != os.getpid():  # a fork, whose locks are as they were then
            raise self._failure()
        if self._hold.is_sure(self._clock()):
            return
        until = self._clock() + WAITED * self.record.ttl
        with self._changed:
            while self._hold.phase is Phase.HELD and self._clock() < until:
                if self._hold.is_sure(self._clock()):
                    return
                self._changed.wait(self.record.ttl / RETRIES)
        raise self._failure()

    def raise_epoch(self, epoch: int) -> None:
        """Takes a higher epoch, by a renewal. Raises LeaseError where that is not answered."""
        with self._changed:
            self.record = self.record.at_epoch(epoch)
            self._renew()
        if not self._hold.is_sure(self._clock()):
            self.confirm()

    def when_lost(self, notify: Callable[[LogpondError], None]) -> None:
        """Has `notify` called from the renewing thread; at once if it is lost already."""
        with self._changed:
            self._listeners.append(notify)
            if self._hold.phase is Phase.LOST:
                notify(self._failure())

    def release(self) -> None:
        """Gives it up: the next one need not wait. A bucket that does not answer keeps it."""
        self._over.set()
        with self._changed:
            was, self._hold = self._hold, state.after(self._hold, Released())
            self._changed.notify_all()
            if was.phase is Phase.HELD and was.version:
                with suppress(OSError):
                    content = self.record.released().content
                    objects.swap(self._at, OBJECT, content, was.version)

    def _run(self) -> None:
        pause = self.record.ttl / RENEWALS
        while not self._over.wait(pause):
            with self._changed:
                is_done = self._renew()
            pause = self.record.ttl / (RENEWALS if is_done else RETRIES)
            if self._hold.phase is not Phase.HELD:
                return

    def _renew(self) -> bool:
        """Renews once. Returns whether it was answered with success."""
        if self._hold.phase is not Phase.HELD:
            return False
        began, renewal = self._clock(), self.record.renewal()
        event: state.Event
        try:
            version = objects.swap(self._at, OBJECT, renewal.content, self._hold.version)
            event = Renewed(version, began) if version else self._found()
        except OSError:
            event = Unanswered()
        self.record = renewal  # also where nobody knows: no two contents are the same
        self._hold = state.after(self._hold, event)
        self._changed.notify_all()
        if self._hold.phase is Phase.LOST:
            for notify in self._listeners:
                notify(self._failure())
        return isinstance(event, Renewed)

    def _found(self) -> Found:
        seen = objects.seen(self._at, OBJECT, MOST_BYTES)
        self._taker = decoded(seen.content) if seen else None
        by = self._taker
        return Found(seen.version if seen else None, by.nonce if by else None)

    def _failure(self) -> LeaseError:
        if self._hold.phase is Phase.LOST:
            return LeaseError(
                f"this process lost its lease of {self._place}: it is held by {self._taker}",
                "nothing is lost: the other one goes on from here; `--standby` waits for its end",
            )
        if self._hold.phase is Phase.RELEASED or self._owner != os.getpid():
            return LeaseError("this process gave up its lease before it wrote", "start it again")
        return LeaseError(
            f"the lease of {self._place} could not be renewed: the bucket does not answer",
            "nothing is lost: start it again when it does; `logpond doctor` looks",
        )


@contextmanager
def held_in_bucket(
    at: Any,
    place: str,
    what: str,
    ttl: float,
    standby: Standby | None = None,
    is_known: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = ticks,
) -> Iterator[BucketLease]:
    """Holds the lease of a place for `what`, until the end of the block.

    Raises CheckpointError as soon as it sees another process renew it, unless there is a standby
    to wait. One that is not renewed in its time is taken. So is one that was deleted, if it
    `is_known` that there was one: its holder, if it lives, makes it again within that time.
    """
    lease = _taken(at, place, what, ttl, standby, cache(is_known), clock)
    lease.start()
    try:
        yield lease
    finally:
        lease.release()


def _taken(
    at: Any,
    place: str,
    what: str,
    ttl: float,
    standby: Standby | None,
    is_known: Callable[[], bool],
    clock: Callable[[], float],
) -> BucketLease:
    watch, waiting = state.Watch(), standby or Standby(lambda: False, lambda _what: None)
    while True:
        asked = clock()
        try:
            seen = objects.seen(at, OBJECT, MOST_BYTES)
            there = decoded(seen.content) if seen else None
            is_deleted = seen is None and (watch.version is not None or is_known())
            watch = state.watched(watch, _look(seen, there, is_deleted, ttl, asked, clock()))
            if watch.verdict in (Verdict.FREE, Verdict.EXPIRED):
                lease = _take(at, place, seen, there, is_deleted, ttl, clock)
                if lease:
                    return lease
                continue
            news = f"{there or 'another process'} runs {what}"
        except OSError as error:
            why = _fault(error, place)
            if standby is None or reach.refuses(error):
                raise why from error
            there, news = None, why.what
        if standby is None and watch.verdict is Verdict.HELD:
            raise in_use(what, place, there)
        waiting.say(f"standing by: {news}")
        if waiting.is_stopping():
            raise StoppedWaiting
        time.sleep(ttl / LOOKS)


def _fault(error: OSError, place: str) -> LogpondError:
    """Returns why the bucket of a place gave no answer, in the sentence of every command."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    return reach.fault(cause, "/".join(place.split("/")[:3])) or StorageError(
        f"the lease of {place} cannot be read or taken: {escaped(str(error))}",
        "`logpond doctor` looks at the bucket",
    )


def _look(
    seen: objects.Seen | None,
    there: Record | None,
    is_deleted: bool,
    ttl: float,
    asked: float,
    answered: float,
) -> state.Look:
    """Returns what was seen, for the waiter; what is no lease is waited for as if it were one."""
    is_released = there is not None and there.is_released
    its = there.ttl if there else ttl
    version = seen.version if seen else DELETED if is_deleted else None
    return state.Look(version, is_released, its, asked, answered)


def _take(
    at: Any,
    place: str,
    seen: objects.Seen | None,
    there: Record | None,
    is_deleted: bool,
    ttl: float,
    clock: Callable[[], float],
) -> BucketLease | None:
    """Returns the lease, taken in place of what was seen; None where another was faster.

    Raises OSError where nobody knows, even after a second look.
    """
    record, began = taken(there, ttl), clock()
    unanswered: OSError | None = None
    before = seen.version if seen else None
    try:
        version = repeated(lambda: objects.swap(at, OBJECT, record.content, before))
    except OSError as error:
        version, unanswered = None, error
    if version is None:  # or the answer was lost
        found = objects.seen(at, OBJECT, MOST_BYTES)
        by = decoded(found.content) if found else None
        if found is None and unanswered:
            raise unanswered
        if found is None or by is None or by.nonce != record.nonce:
            return None
        version = found.version
    is_clean = (seen is None and not is_deleted) or (there is not None and there.is_released)
    return BucketLease(at, place, record, version, began, is_clean, clock)


def holder_in_bucket(at: Any) -> tuple[bool | None, Record | None]:
    """Returns whether a lease is held, and by whom; None where it is not renewed any more.

    It is one look, so it goes by the holder's clock and ours: for people, not for decisions.
    """
    seen = objects.seen(at, OBJECT, MOST_BYTES)
    by = decoded(seen.content) if seen else None
    if seen is None or (by and by.is_released):
        return False, None
    if by is None:
        return None, None
    age = time.time() - by.renewed.timestamp()
    return age < 2 * by.ttl, by
