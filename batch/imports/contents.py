"""Hashes of files, and whether a file stays the same while it is read."""

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
    """Returns the SHA-256 of a file's bytes on disk, in hexadecimal digits."""
    with refused(path), open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked_sha256_of(path: Path) -> str:
    """Returns the SHA-256 of the unpacked bytes: a log that was packed is the same log."""
    found = hashlib.sha256()
    with opened(path) as file, refused(path):
        for part in iter(partial(file.read, PART), b""):
            found.update(part)
    return found.hexdigest()


class State(NamedTuple):
    """Changes when somebody writes to a file or replaces it; `written` is in nanoseconds."""

    size: int
    written: int
    inode: int
    device: int


def state(path: Path) -> State:
    """Returns the present state of a file; SettingsError where it cannot be read."""
    with refused(path), open_regular(path) as file:
        found = os.fstat(file.fileno())
    return State(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


@contextmanager
def unchanged(path: Path, before: State) -> Iterator[None]:
    """Raises SettingsError, before and after, where a file is not any more what it was."""
    refuse_changed(path, before)
    yield
    refuse_changed(path, before)


def refuse_changed(path: Path, before: State) -> None:
    """Raises SettingsError where a file is not any more what it was."""
    if state(path) != before:
        raise SettingsError(
            f"{path} changed while it was read",
            "import it when nobody writes to it; a log that is written to goes by way of Kafka",
        )
