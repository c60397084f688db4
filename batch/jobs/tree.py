"""What this process and all below it may use and have used, as the system counts it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from operator import add

import psutil

LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Used:
    """CPU seconds, and system calls that read and write, with their bytes, cached or not."""

    cpu: float = 0.0
    read: int = 0
    written: int = 0
    reads: int = 0
    writes: int = 0

    def __sub__(self, other: Used) -> Used:
        # what ended without being waited for takes its counts along
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Used(*(max(0, one - before) for one, before in pairs))

    def __add__(self, other: Used) -> Used:
        return Used(*map(add, astuple(self), astuple(other)))


def usable_cores() -> int:
    """Cores that this process may use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(usable) or os.cpu_count() or 1


def processes() -> list[psutil.Process]:
    """This process and all below it."""
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def used() -> Used:
    """Of this process and all below it; one that ended counts once its parent has waited for it."""
    total = Used()
    for process in processes():
        with suppress(psutil.Error):
            total += _used(process)
    return total


def _used(process: psutil.Process) -> Used:
    """A process with its children that ended: the kernel adds these to both counts."""
    cpu = sum(process.cpu_times()[:4])
    try:
        calls = process.io_counters()
    except (psutil.Error, AttributeError, OSError):
        # not every system tells
        return Used(cpu)
    return Used(cpu, calls.read_chars, calls.write_chars, calls.read_count, calls.write_count)


def resident() -> int:
    """Bytes that they hold in memory now; what several share counts in each."""
    held = 0
    for process in processes():
        with suppress(psutil.Error):
            held += process.memory_info().rss
    return held


@dataclass
class Peak:
    """The most bytes held at once, as far as it was seen."""

    bytes: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """See what is held now."""
        self.bytes = max(self.bytes, resident())

    def watch(self) -> None:
        """Look again and again, until it is over."""
        while not self._over.wait(LOOK_SECONDS):
            self.look()


@contextmanager
def peak() -> Iterator[Peak]:
    """Watches what is held, by a thread, until the block ends."""
    seen = Peak()
    seen.look()
    thread = threading.Thread(target=seen.watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        seen._over.set()
        thread.join()
        seen.look()
