"""Text files of any size, plain or gzip by their first bytes: opened, and read line by line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from lakehouse.errors import SettingsError

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
# A file without line ends must not fill the memory.
LONGEST_LINE = 16 << 20


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does; SettingsError where it cannot be read."""
    with refused(path), path.open("rb") as file:
        return file.read(2) == GZIP


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked where it is gzip; SettingsError where it cannot be opened."""
    zipped = is_gzip(path)
    with refused(path):
        return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


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
