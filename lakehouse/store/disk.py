"""A full disk in words: each library says it in its own way, and none says which disk."""

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
    """What to say of an error, or of its text, that a full disk is the cause of; else None.

    It names the disk that a process further down named, else the one of `places` with least room.
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
    """What writes below `place` in here raises SettingsError where its disk is full."""
    try:
        yield
    except LogpondError:
        raise
    except Exception as error:
        if reason := full(error, [place]):
            raise reason from error
        raise


def _free(place: str) -> float:
    """Bytes that may still be written there; no end to them behind a URL."""
    if is_url(place):
        return float("inf")
    there = next(p for p in (Path(place), *Path(place).parents) if p.exists())
    return float(shutil.disk_usage(there).free)
