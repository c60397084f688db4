"""The records of lines: a line each, or lines joined where a format says so, bounded. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lakehouse.formats.format import MOST_BYTES, MOST_LINES, Record
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named


def records(lines: Iterable[bytes], reading: Reading) -> Iterator[Record]:
    """The records of a file, in their order; blank lines are none.

    `lines` are those of a file without their ends, but for CR. A line that no record takes is one
    by itself.
    """
    format = named(reading.format)
    numbered = enumerate(lines, start=1)
    if format.split:
        return format.split(numbered, reading)
    bare = ((number, line.rstrip(b"\r")) for number, line in numbered)
    if format.begins:
        return joined(bare, format.begins(reading))
    return (Record(number, line) for number, line in bare if line.strip())


def joined(lines: Iterable[tuple[int, bytes]], begins: Callable[[bytes], bool]) -> Iterator[Record]:
    """Lines with those that continue them: of at most `MOST_LINES` lines or `MOST_BYTES` each."""
    first, some, size = 0, list[bytes](), 0
    for number, line in lines:
        # asked of each line, as it may depend on those before it
        is_new = begins(line)
        if some and (is_new or len(some) >= MOST_LINES or size + len(line) > MOST_BYTES):
            yield _record(first, some)
            some, size = [], 0
        if not some and not line.strip():
            continue
        first = first if some else number
        some.append(line)
        size += len(line) + 1
    if some:
        yield _record(first, some)


def _record(first: int, some: list[bytes]) -> Record:
    """Without the blank lines at its end."""
    while len(some) > 1 and not some[-1].strip():
        some.pop()
    return Record(first, b"\n".join(some))
