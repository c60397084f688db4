"""One OPTIMIZE of a table at a time.

deltalake lets two of them that read one version both commit, each with the rows of the same files,
which would then be there twice; an application's transaction it leaves out of such a commit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import lock
from lakehouse.store.lease.grant import Standby, StoppedWaiting

LOG = logging.getLogger(__name__)
WAITED_SECONDS = 600.0


@contextmanager
def alone(places: Places, name: str) -> Iterator[None]:
    """Waits until nobody else rewrites a table of a lake, and keeps others waiting.

    Raises TableError after ten minutes.
    """
    end = time.monotonic() + WAITED_SECONDS
    waiting = Standby(lambda: time.monotonic() > end, LOG.info)
    place, what = places.ledger(f"rewrite-{name}"), f"the merging of files of {name}"
    try:
        with lock.alone(place, what, places.lease_seconds, waiting):
            yield
    except StoppedWaiting:
        raise TableError(
            f"another process has been merging files of table {name} for ten minutes",
            "wait for its end, or end it: nothing is lost by that; then try again",
        ) from None
