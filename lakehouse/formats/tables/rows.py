"""Rows of separated values with the very bytes of each; a broken one costs no other row. Pure."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from lakehouse.formats.format import MOST_BYTES, MOST_LINES, Record

LONGEST_FIELD = 16 << 20


def settings(delimiter: str, escape: str = "") -> dict[str, Any]:
    """How Python's reader is told the form of a file."""
    more: dict[str, Any] = {"escapechar": escape, "doublequote": True} if escape else {}
    return {"delimiter": delimiter, "skipinitialspace": True, "strict": True, **more}


def csv_reader(lines: Iterable[str], **form: Any) -> Any:
    """Python's reader of CSV. Its limit, 128 KiB unless it is set, is of the whole process."""
    csv.field_size_limit(LONGEST_FIELD)
    return csv.reader(lines, **form)


def rows(lines: Iterable[tuple[int, bytes]], form: dict[str, Any]) -> Iterator[Record]:
    """The rows of lines; blank lines are none.

    A row whose quote is not closed, or whose quotes are wrong, is its first line alone: the lines
    that its quote took come again.
    """
    feed = _Feed(lines)
    while (first := feed.next()) is not None:
        number, line = first
        if not line.strip():
            continue
        if b'"' not in line:
            yield Record(number, _bare(line))
            continue
        taken = feed.rest_of(line, form)
        yield Record(number, b"\n".join([*taken[:-1], _bare(taken[-1])]))


def cells(row: bytes, form: dict[str, Any]) -> list[str] | None:
    """The values of a row without the blanks around them; None where its quotes are wrong.

    Bytes that are no UTF-8 come as surrogates, which no encoder lets pass.
    """
    try:
        # with its end: the reader takes what stands after a backslash at the end for a line's
        found = next(csv_reader([row.decode(errors="surrogateescape")], **form))
    except (csv.Error, StopIteration):
        return None
    return [cell.strip(" ") for cell in found]


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\r")


class _Feed:
    """Lines, some of which come again."""

    def __init__(self, lines: Iterable[tuple[int, bytes]]) -> None:
        self._lines, self._again = iter(lines), deque[tuple[int, bytes]]()

    def next(self) -> tuple[int, bytes] | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def rest_of(self, line: bytes, form: dict[str, Any]) -> list[bytes]:
        """A line and those that its open quote takes; alone where it stays open, or is wrong."""
        taken: list[tuple[int, bytes]] = []
        try:
            next(csv_reader(self._taking(line, taken), **form))
        except csv.Error:
            self._again.extendleft(reversed(taken))
            return [line]
        return [line, *(one for _, one in taken)]

    def _taking(self, line: bytes, taken: list[tuple[int, bytes]]) -> Iterator[str]:
        """The line, then more of them as they are asked for; noted in `taken`."""
        size = len(line)
        yield f"{line.decode(errors='surrogateescape')}\n"
        while len(taken) < MOST_LINES and size < MOST_BYTES and (more := self.next()):
            taken.append(more)
            size += len(more[1])
            yield f"{more[1].decode(errors='surrogateescape')}\n"
