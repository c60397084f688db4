"""A lease of a folder: the kernel's lock of its file `lock`, which says who holds it.

The kernel knows whether the holder lives, so nothing has to be renewed, and a holder that dies has
released it at once. One that is frozen is alive: it keeps it. A rename in place of a version, which
is what a lease in a bucket is made of, no file system has.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import CheckpointError, LeaseError, LogpondError
from lakehouse.store.disk import in_words
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.store.lease.record import MOST_BYTES, MOST_TTL, Record, decoded, taken

FILE = "lock"
# A look whether a lock is held holds it for an instant itself.
TRIES, PAUSE_SECONDS, STANDBY_SECONDS = 3, 0.05, 0.5


class FolderLease:
    """Grant as long as the process lives, until the end of the block that took it."""

    def __init__(self, file: int, before: bytes) -> None:
        last = decoded(before)
        self.is_after_clean = not before or (last is not None and last.is_released)
        self.record, self._file = taken(last, MOST_TTL), file
        self._owner, self._is_over = os.getpid(), False
        self._write()

    def confirm(self) -> None:
        """Raises LeaseError once it was released, and in a child that was forked."""
        if self._is_over or self._owner != os.getpid():
            raise LeaseError("this process gave up its lock before it wrote", "start it again")

    def raise_epoch(self, epoch: int) -> None:
        """Takes a higher epoch."""
        self.record = self.record.at_epoch(epoch)
        self._write()

    def when_lost(self, notify: Callable[[LogpondError], None]) -> None:
        """Nothing takes it away while the process lives."""

    def release(self) -> None:
        """Says in the file that it is over; the lock itself ends with the file."""
        self._is_over, self.record = True, self.record.released()
        self._write()

    def _write(self) -> None:
        """Writes in place, as the lock is on this file; half a content counts as unknown."""
        content = self.record.content
        os.pwrite(self._file, content, 0)
        os.ftruncate(self._file, len(content))


@contextmanager
def held_in_folder(folder: Path, what: str, standby: Standby | None) -> Iterator[FolderLease]:
    """Holds the lock of a folder for `what`, until the end of the block; the folder is made.

    Raises CheckpointError where another process holds it, unless there is a standby to wait. Where
    the file is deleted meanwhile nobody is waited for: its lock is one that no other process finds.
    """
    file = _locked(folder, what, standby)
    try:
        with in_words(str(folder)):
            lease = FolderLease(file, os.pread(file, MOST_BYTES + 1, 0))
        try:
            yield lease
        finally:
            with in_words(str(folder)):
                lease.release()
    finally:
        os.close(file)


def _locked(folder: Path, what: str, standby: Standby | None) -> int:
    """Returns the open file of the folder, once this process has its lock."""
    while True:
        file, is_ours = _opened(folder), False
        try:
            is_ours = _is_ours(file, folder, what, standby)
        finally:
            if not is_ours:
                os.close(file)
        if is_ours:
            return file


def _opened(folder: Path) -> int:
    with in_words(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _is_ours(file: int, folder: Path, what: str, standby: Standby | None) -> bool:
    """Waits until the file is locked; False if it no longer is the one of the folder."""
    while _is_of(folder, file):
        if any(_is_taken(file, fcntl.LOCK_EX) for _ in range(TRIES)):
            return _is_of(folder, file)
        by = decoded(os.pread(file, MOST_BYTES + 1, 0))
        if standby is None:
            raise in_use(what, str(folder), by)
        if standby.is_stopping():
            raise StoppedWaiting
        standby.say(f"standing by: {by or 'another process'} runs {what}")
        time.sleep(STANDBY_SECONDS)
    return False


def _is_of(folder: Path, file: int) -> bool:
    """Whether an open file is the one that others find under its name."""
    try:
        return os.path.samestat((folder / FILE).stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def in_use(what: str, place: str, by: Record | None) -> CheckpointError:
    """Returns the error for a lease that another process holds: who, and since when."""
    who = f" by {by}" if by and not by.is_released else ""
    return CheckpointError(
        f"{what} runs already: {place} is in use{who}",
        "stop the other one first (`pgrep -af logpond`)"
        if by is None
        else f"stop that one first, or wait for its end: process {by.holder.pid} there",
    )


def holder_in_folder(folder: Path) -> tuple[bool, Record | None]:
    """Returns whether a process holds the lock of a folder, and who, if that can be read."""
    try:
        file = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False, None
    try:
        if _is_taken(file, fcntl.LOCK_SH):
            return False, None
        by = decoded(os.pread(file, MOST_BYTES + 1, 0))
        return True, None if by is None or by.is_released else by
    finally:
        os.close(file)


def _is_taken(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(PAUSE_SECONDS)
        return False
    return True
