"""What files hold by name: their hash, and whether they stay the same while they are read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import open_regular, opened, refused

PART = 1 << 20


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as they lie there."""
    with refused(path), open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked_sha256_of(path: Path) -> str:
    """The hash of what is in it: a log stays the same log when it is packed."""
    found = hashlib.sha256()
    with opened(path) as file, refused(path):
        for part in iter(partial(file.read, PART), b""):
            found.update(part)
    return found.hexdigest()


class State(NamedTuple):
    """What differs once somebody wrote to a file, or put another in its place."""

    size: int
    written: int
    inode: int
    device: int


def state(path: Path) -> State:
    """How a file is now."""
    with refused(path), open_regular(path) as file:
        found = os.fstat(file.fileno())
    return State(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


@contextmanager
def unchanged(path: Path, before: State) -> Iterator[None]:
    """Raise SettingsError at the end where a file is not any more what it was before."""
    yield
    if state(path) != before:
        raise SettingsError(
            f"{path} changed while it was read",
            "import it when nobody writes to it; a log that is written to goes by way of Kafka",
        )
