"""Text files of any size, plain or gzip by their first bytes: opened, and read line by line."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path, PosixPath
from typing import IO, Any, cast

from lakehouse.errors import SettingsError

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
# A file without line ends must not fill the memory.
LONGEST_LINE = 16 << 20
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
# A folder may be passed through that may not be listed, where the system can say so.
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class Found(PosixPath):
    """A path that had no link in it when it was found; it is opened so, or not at all."""


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does; SettingsError where it cannot be read."""
    with refused(path), open_regular(path) as file:
        return file.read(2) == GZIP


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked where it is gzip; SettingsError where it cannot be opened."""
    with refused(path):
        file = open_regular(path)
        zipped = file.read(2) == GZIP
        file.seek(0)
        return _unzipped(file) if zipped else file


def open_regular(path: Path) -> BufferedReader:
    """The bytes of a regular file, which is looked at by the descriptor that is then read.

    Raises OSError for a folder, a pipe or a device, which is not waited for; and where a link has
    come into a path since it was `Found`.
    """
    if not isinstance(path, Found):
        return _regular(os.open(path, READ))
    folder = os.open(path.anchor or ".", FOLDER)
    try:
        for part in path.parts[bool(path.anchor) : -1]:
            inner = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return _regular(os.open(path.name, READ | os.O_NOFOLLOW, dir_fd=folder))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            error.strerror = "a link has come into its path, and is not followed"
        raise
    finally:
        os.close(folder)


def _regular(descriptor: int) -> BufferedReader:
    file = open(descriptor, "rb")  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return file


def _unzipped(file: IO[bytes]) -> IO[bytes]:
    """What closes the packed file with it."""
    found = gzip.GzipFile(fileobj=file)
    found.myfileobj = cast(Any, file)
    return cast(IO[bytes], found)


def lines(path: Path) -> Iterator[bytes]:
    """The lines without their ends and without a byte order mark, in bounded memory.

    SettingsError, with the file and the reason, where it cannot be read on.
    """
    with opened(path) as file, refused(path):
        for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), b"")):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                raise OSError(f"line {number + 1} is longer than {LONGEST_LINE >> 20} MB")
            yield (line if number else line.removeprefix(BOM)).rstrip(b"\r\n")


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turns what a broken or forbidden file raises into a SettingsError that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SettingsError(
            f"{path} cannot be read to its end: {reason}",
            "the lines before were taken; replace the file",
        ) from None
