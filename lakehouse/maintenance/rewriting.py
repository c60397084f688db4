"""One OPTIMIZE of a table at a time.

deltalake 1 lets two of them that read one version both commit, each with the rows of the same
files, which would then be there twice; an application's transaction it leaves out of such a commit.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import objects

WAITED_SECONDS, LOOKED_EVERY_SECONDS = 600.0, 0.05


@contextmanager
def alone(places: Places, name: str) -> Iterator[None]:
    """Waits until no other process of this machine rewrites a table, and keeps others waiting.

    By the kernel's lock of its folder, which ends with the process; a bucket has none. Raises
    TableError after ten minutes.
    """
    folder = objects.folder(places.table(name))
    if folder is None:
        yield
        return
    opened, end = os.open(folder, os.O_RDONLY), time.monotonic() + WAITED_SECONDS
    try:
        while not _taken(opened):
            if time.monotonic() > end:
                raise TableError(
                    f"another process has rewritten table {name} for ten minutes",
                    "wait for its end, or end it: nothing is lost by that; then try again",
                )
            time.sleep(LOOKED_EVERY_SECONDS)
        yield
    finally:
        os.close(opened)


def _taken(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
