"""One process at a time, on one machine: a lock that a dead process lets go of by itself."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lakehouse.errors import CheckpointError
from lakehouse.paths import is_url
from lakehouse.store.disk import in_words

# A look whether a lock is held holds it for an instant itself.
TRIES, PAUSE_SECONDS = 3, 0.05


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
    with (Path(place) / "lock").open("w") as file:
        if not any(_is_taken(file, fcntl.LOCK_EX) for _ in range(TRIES)):
            raise CheckpointError(
                f"{what} runs already: {place} is in use",
                "stop the other one first (`pgrep -af logpond`)",
            )
        yield


def is_held(place: str) -> bool | None:
    """Whether a process holds `place` now; None where nobody can know: behind a URL."""
    if is_url(place):
        return None
    file = Path(place) / "lock"
    if not file.is_file():
        return False
    with file.open() as looked_at:
        return not _is_taken(looked_at, fcntl.LOCK_SH)


def _is_taken(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(PAUSE_SECONDS)
        return False
    return True
