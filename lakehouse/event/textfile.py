"""Text files of any size, plain or gzip by their first bytes: opened, and read line by line."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path, PosixPath
from typing import IO, cast

from lakehouse.errors import SettingsError
from lakehouse.event.budgets import BUDGETS
from lakehouse.event.unpacked import GZIP, Unpacked, Warn

BOM = b"\xef\xbb\xbf"
BUFFER = 256 << 10
# A file without line ends must not fill the memory.
LONGEST_LINE = BUDGETS.line
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
# With O_PATH, where the system has it, a folder opens that may be entered but not listed.
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class Found(PosixPath):
    """A path without links when it was found. It is not opened if a link has come in since."""


def text_of(path: Path | str) -> str:
    """Returns a path as text; bytes of it that are no UTF-8 are written as `\\xe9`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does; SettingsError where it cannot be read."""
    with refused(path), open_regular(path) as file:
        return file.read(2) == GZIP


def opened(path: Path, warn: Warn = lambda _words: None) -> IO[bytes]:
    """The bytes of a file, unpacked where it is gzip; SettingsError where it cannot be opened."""
    with refused(path):
        file = open_regular(path)
        zipped = file.read(2) == GZIP
        file.seek(0)
        return _unzipped(file, warn) if zipped else file


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading. Its type is checked on the descriptor that is read.

    Raises OSError for a folder, a pipe or a device, without waiting for it; and where a link has
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


def _unzipped(file: IO[bytes], warn: Warn) -> IO[bytes]:
    """Returns what closes the packed file with it."""
    return cast(IO[bytes], BufferedReader(Unpacked(file, warn), BUFFER))


def lines(path: Path, warn: Warn = lambda _words: None, keeps_cr: bool = False) -> Iterator[bytes]:
    """Yields the lines without their ends and without a byte order mark, in bounded memory.

    With `keeps_cr` only the LF goes: a CR before it may be within a value of CSV.
    A line of more than `LONGEST_LINE` bytes is cut there. `warn` hears of that, and of what was
    left out. Raises SettingsError, with file and reason, where the file cannot be read on.
    """
    with opened(path, warn) as file, refused(path):
        for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), b"")):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                _skip(file)
                warn(f"line {number + 1} is longer than {LONGEST_LINE >> 20} MB, and was cut")
            line = (line if number else line.removeprefix(BOM)).removesuffix(b"\n")
            yield line if keeps_cr else line.rstrip(b"\r")


def _skip(file: IO[bytes]) -> None:
    """Read on to the end of a line."""
    for part in iter(partial(file.readline, LONGEST_LINE), b""):
        if part.endswith(b"\n"):
            return


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
