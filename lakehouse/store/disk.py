"""Reports a full disk: each library says it in its own way, and none names the disk."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import LogpondError, SettingsError
from lakehouse.paths import is_url

SIGNS = (
    "No space left on device",
    "Disk quota exceeded",
    "(os error 28)",
    "the disk that holds ",
    "database or disk is full",
)
NAMED_DISK = re.compile(r"the disk that holds (.+?) is full \(")


def full(error: object, places: Sequence[str]) -> SettingsError | None:
    """Returns the error to raise if a full disk caused an error (or its text); otherwise None.

    It names the disk that a child process named, or the one of `places` with the least room.
    """
    text = str(error)
    if not any(sign in text for sign in SIGNS):
        return None
    named = NAMED_DISK.search(text)
    place = named[1] if named else min(places, key=_free)
    return SettingsError(
        f"the disk that holds {place} is full ({_free(place) / 1e6:.1f} MB free)",
        "make room there, then start again: nothing is lost, and nothing half written counts",
    )


@contextmanager
def in_words(place: str) -> Iterator[None]:
    """Raises SettingsError where a write below `place`, inside the block, finds its disk full."""
    try:
        yield
    except LogpondError:
        raise
    except Exception as error:
        if reason := full(error, [place]):
            raise reason from error
        raise


def _free(place: str) -> float:
    """Returns how many bytes can still be written there; infinite behind a URL."""
    if is_url(place):
        return float("inf")
    there = next(p for p in (Path(place), *Path(place).parents) if p.exists())
    return float(shutil.disk_usage(there).free)
