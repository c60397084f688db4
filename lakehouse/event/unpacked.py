"""What is in a gzip file, in bounded memory: members one after another, bytes after the last."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import IO, Any

from lakehouse.event.budgets import BUDGETS, Budgets

GZIP = b"\x1f\x8b"
# What zlib takes for a gzip member.
_WINDOW = 31
PART = 256 << 10

Warn = Callable[[str], None]


class Unpacked(io.RawIOBase):
    """The bytes in a gzip file. `warn` hears of bytes behind its end, which are left out.

    EOFError where it breaks off, zlib.error where it is no gzip, and OSError where it unpacks to
    more than budgets allow: logs pack to a tenth or a hundredth of their size, and what packs
    more is made to fill disks.
    """

    def __init__(
        self, file: IO[bytes], warn: Warn = lambda _words: None, budgets: Budgets = BUDGETS
    ) -> None:
        self._file, self._warn, self._budgets = file, warn, budgets
        self._member: Any = zlib.decompressobj(_WINDOW)
        self._packed = b""
        self._read = self._given = 0
        self._is_over = False

    def readable(self) -> bool:
        """As a file that is open for reading is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and say how many bytes it got: 0 at the end."""
        found = b""
        while not found and not self._is_over:
            found = self._next(len(buffer))
        buffer[: len(found)] = found
        self._given += len(found)
        self._refuse_bursting()
        return len(found)

    def close(self) -> None:
        """Close the packed file too."""
        self._file.close()
        super().close()

    def _refuse_bursting(self) -> None:
        bounds = self._budgets
        if self._given > bounds.unpacked:
            raise OSError(f"it unpacks to more than {bounds.unpacked >> 20:,} MB: split it")
        most = max(bounds.unpacked_at_any_ratio, bounds.unpacked_ratio * self._read)
        if self._given > most:
            raise OSError(
                f"it unpacks to more than {bounds.unpacked_ratio} times its size, as no log does: "
                "look at it, and import it unpacked"
            )

    def _next(self, size: int) -> bytes:
        if not self._packed:
            self._packed = self._file.read(PART)
            self._read += len(self._packed)
            if not self._packed:
                raise EOFError("it breaks off: its end is missing")
        found: bytes = self._member.decompress(self._packed, size)
        self._packed = self._member.unconsumed_tail
        if self._member.eof:
            self._end_member()
        return found

    def _end_member(self) -> None:
        """Another member follows, or what follows is none: zeros that fill a block, or others."""
        rest = self._member.unused_data + self._file.read(PART)
        self._read += len(rest)
        if rest.startswith(GZIP):
            self._member, self._packed = zlib.decompressobj(_WINDOW), rest
            return
        self._is_over = True
        if rest.strip(b"\x00"):
            self._warn("bytes behind the end of its gzip were left out")
