"""Rows of separated values with the very bytes of each; a broken one costs no other row."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST_FIELD = 16 << 20
# A quote that is never closed must not swallow the file, nor be looked for in all of it.
MOST_LINES = 1000


class Row(NamedTuple):
    """A row as it stands from `line` on (counted from 1); `cells` is None where it is broken."""

    line: int
    cells: list[str] | None
    original: bytes


def rows(lines: Iterable[bytes], delimiter: str) -> Iterator[Row]:
    """The rows of lines without their ends; empty lines are none.

    A row that is broken is its first line alone: those that its open quote took come again.
    Bytes that are no UTF-8 come as surrogates, which no encoder lets pass.
    """
    csv.field_size_limit(LONGEST_FIELD)
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(feed.line, None, feed.give_back())
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if cells:
            yield Row(feed.line, cells, b"\n".join(feed.taken))


class _Feed:
    """Lines as text, which remembers those of the row under way."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.line, self.taken = 0, list[bytes]()
        self._lines, self._again = iter(lines), deque[bytes]()
        self._passed = 0

    def begin(self) -> None:
        """A row begins with the next line."""
        self._passed += len(self.taken)
        self.line, self.taken = self._passed + 1, []

    def give_back(self) -> bytes:
        """The first line of the row; the others come again."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.taken = self.taken[:1]
        return self.taken[0]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES:
            raise csv.Error("a quote is not closed")
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line.decode(errors="surrogateescape") + "\n"
