"""A change beside other writers: made to the newest state, again after a conflict."""

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
from lakehouse.store.read import open_table

ATTEMPTS = 10
Done = TypeVar("Done")


def retried(places: Places, name: str, change: Callable[[DeltaTable], Done]) -> Done:
    """Make a change to the newest state, again where another commit came between.

    TableError where others kept winning.
    """
    for attempt in range(ATTEMPTS):
        try:
            with in_words(places.table(name)):
                return change(open_table(places, name))
        except CommitFailedError:
            time.sleep(random.uniform(0, 0.1 * (attempt + 1)))
    raise TableError(
        f"table {name} did not take the change: {ATTEMPTS} conflicts",
        "another process rewrites the same files; try again when it is done",
    )
