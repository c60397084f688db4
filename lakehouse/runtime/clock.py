"""The wall clock set back: Spark's triggers wait by it, and so as long as it was set back."""

from __future__ import annotations

import time
from collections.abc import Callable

# Less than this is how clocks are corrected all the time.
SLACK_SECONDS = 1.0


def _ahead() -> float:
    """The wall clock against one that nobody sets."""
    return time.time() - time.monotonic()


class WallClock:
    """Tells of each time that the wall clock was set back."""

    def __init__(self, ahead: Callable[[], float] = _ahead) -> None:
        self._ahead, self._last = ahead, ahead()

    def was_set_back(self) -> bool:
        """Whether it was since the last look."""
        before, self._last = self._last, self._ahead()
        return self._last < before - SLACK_SECONDS
