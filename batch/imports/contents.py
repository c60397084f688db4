"""What files hold by name: their hash, and whether they stay the same while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import opened, refused

PART = 1 << 20


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as they lie there."""
    with refused(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked_sha256_of(path: Path) -> str:
    """The hash of what is in it: a log stays the same log when it is packed."""
    found = hashlib.sha256()
    with opened(path) as file, refused(path):
        for part in iter(partial(file.read, PART), b""):
            found.update(part)
    return found.hexdigest()


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Raise SettingsError at the end where somebody wrote to the file meanwhile."""
    before = _state(path)
    yield
    if _state(path) != before:
        raise SettingsError(
            f"{path} changed while it was read",
            "import it when nobody writes to it; a log that is written to goes by way of Kafka",
        )


def _state(path: Path) -> tuple[int, int, int]:
    with refused(path):
        found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino
