"""Asks a bucket again whose answer was lost.

The libraries ask again by themselves where a store refuses for now (500, 503), and where a lost
answer costs nothing. They do not where a put must find nothing in its place, as a commit: it may
have been done, and a second one is then refused by the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.storage import reach

TRIES, PAUSE_SECONDS = 3, 0.2
Answer = TypeVar("Answer")


def repeated(ask: Callable[[], Answer]) -> Answer:
    """Returns the answer to what may be done twice; asked three times at most.

    Raises the last error where no answer came, and at once any other one.
    """
    for tried in range(1, TRIES):
        try:
            return ask()
        except Exception as error:
            if not reach.is_lost(error):
                raise
        time.sleep(PAUSE_SECONDS * tried)
    return ask()
