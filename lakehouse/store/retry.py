"""Repeats a change that conflicts with another commit, on the newest version."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.storage.lost_answers import repeated
from lakehouse.store.disk import in_words
from lakehouse.store.durable import sync_newest
from lakehouse.store.read import open_table

ATTEMPTS = 20
LONGEST_PAUSE_SECONDS = 0.1
Done = TypeVar("Done")


def retried(places: Places, name: str, change: Callable[[DeltaTable], Done]) -> Done:
    """Returns the result of a change to the newest version; it is repeated after each conflict.

    Raises TableError where others kept winning.
    """
    return retried_on_conflict(places, name, lambda: change(_opened(places, name)))


def _opened(places: Places, name: str) -> DeltaTable:
    """Returns the newest version; raises LeaseError where this process may not write to it."""
    found = open_table(places, name)
    if places.fence:
        places.fence.check(found)
    return found


def retried_on_conflict(places: Places, name: str, commit: Callable[[], Done]) -> Done:
    """Returns the result of `commit`, which is called again, after a pause, for each conflict.

    `commit` has to open the table each time, and to find what an earlier call did whose answer was
    lost on the way from a bucket. With `durability = "power"` the commit is synced to
    disk on return. Raises TableError where others kept winning.
    """
    for attempt in range(ATTEMPTS):
        try:
            with in_words(places.table(name)):
                done = repeated(commit)
                sync_newest(places, name)
                return done
        except CommitFailedError:
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS * (attempt + 1)))
    raise TableError(
        f"table {name} did not take the change: {ATTEMPTS} conflicts",
        "another process commits to it without a pause; try again when it is done",
    )
