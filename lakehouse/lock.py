"""One process at a time, on one machine: a lock that a dead process lets go of by itself."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.disk import in_words
from lakehouse.errors import CheckpointError
from lakehouse.paths import is_url


@contextmanager
def alone(place: str, what: str) -> Iterator[None]:
    """Hold `place` while `what` runs; a URL is not locked (there the tables' own log decides).

    Raises CheckpointError where another process holds it.
    """
    if is_url(place):
        yield
        return
    with in_words(place):
        Path(place).mkdir(parents=True, exist_ok=True)
    with (Path(place) / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"{what} runs already: {place} is in use",
                "stop the other one first (`pgrep -af logpond`)",
            ) from None
        yield
