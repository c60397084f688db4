"""What happens to a change that meets another commit: it is made again, to the newest state."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store.disk import in_words
from lakehouse.store.durable import sync_newest
from lakehouse.store.read import open_table

ATTEMPTS = 20
LONGEST_PAUSE_SECONDS = 0.1
Done = TypeVar("Done")


def retried(places: Places, name: str, change: Callable[[DeltaTable], Done]) -> Done:
    """The result of a change to the newest state of a table, made again after each conflict.

    Raises TableError where others kept winning.
    """
    return retried_on_conflict(places, name, lambda: change(open_table(places, name)))


def retried_on_conflict(places: Places, name: str, commit: Callable[[], Done]) -> Done:
    """The result of `commit`, called again, after a pause, where another commit came between.

    With `durability = "power"` it is on the disk when this returns.
    `commit` has to look at the table anew each time. Raises TableError where others kept winning.
    """
    for attempt in range(ATTEMPTS):
        try:
            with in_words(places.table(name)):
                done = commit()
                sync_newest(places, name)
                return done
        except CommitFailedError:
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS * (attempt + 1)))
    raise TableError(
        f"table {name} did not take the change: {ATTEMPTS} conflicts",
        "another process commits to it without a pause; try again when it is done",
    )
