"""JSON texts that are no lines: found by their brackets, in bounded memory. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lakehouse.formats.format import MOST_BYTES, Record

# RFC 7464 puts it before each text.
SEPARATOR = b"\x1e"
# A text in quotes, which may lack its end; possessive, so that no byte is looked at twice.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]')


def texts(lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
    """Each object of lines, by itself or in an array; what is none comes as it stands.

    An object of more than `MOST_BYTES` ends there, and the next begins with a line that begins so.
    """
    scan = _Scan()
    for number, line in lines:
        yield from scan.take(number, line)
    yield from scan.rest()


class _Scan:
    """The object under way."""

    def __init__(self) -> None:
        self._number, self._parts, self._depth, self._size = 0, list[bytes](), 0, 0

    def take(self, number: int, line: bytes) -> Iterator[Record]:
        """The objects that end in a line."""
        if line.startswith(SEPARATOR):
            yield from self.rest()
            line = line[1:]
        at = 0
        for token in _TOKEN.finditer(line):
            mark = token[0]
            if mark in (b"{", b"["):
                if not self._depth and mark == b"{":
                    yield from self._outside(number, line[at : token.start()])
                    at = token.start()
                    self._number = number
                if self._depth or mark == b"{":
                    self._depth += 1
            elif mark in (b"}", b"]") and self._depth:
                self._depth -= 1
                if not self._depth:
                    yield self._ended(line[at : token.end()])
                    at = token.end()
        if self._depth:
            self._parts.append(line[at:])
            self._size += len(line) - at + 1
            if self._size > MOST_BYTES:
                yield from self.rest()
        else:
            yield from self._outside(number, line[at:])

    def rest(self) -> Iterator[Record]:
        """What is left of an object that did not end."""
        if self._parts:
            yield self._ended(b"")

    def _ended(self, last: bytes) -> Record:
        found = Record(self._number, b"\n".join([*self._parts, last] if last else self._parts))
        self._parts, self._depth, self._size = [], 0, 0
        return found

    @staticmethod
    def _outside(number: int, text: bytes) -> Iterator[Record]:
        if text.strip(b" \t\r\n,[]"):
            yield Record(number, text.strip())
