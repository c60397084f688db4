"""A CSV file of any size, plain or gzip, as blocks of whole lines: a row is a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import BOM, opened, refused
from lakehouse.terminal.render import escaped

BLOCK = 8 << 20
# The columns that are read, and what they are called from here on.
COLUMNS = {
    "log_id": "log_id",
    "user_id": "user_id",
    "ip": "ip",
    "timestamp": "timestamp",
    "watch_time(min)": "watch_time",
}


class Block(NamedTuple):
    """Whole lines: the bytes, the number of the first one in its file (from 1), and how many."""

    data: bytes
    line: int
    lines: int


def columns(path: Path) -> list[str]:
    """The names in the header; SettingsError where one that is needed is missing, or there twice.

    A file that cannot be read, or is empty, is refused in the same way.
    """
    with opened(path) as file, refused(path):
        names = _names(file.readline(BLOCK))
    if not names:
        raise SettingsError(f"{path} is empty", "not even a header is there")
    faults = [f"no column {name}" for name in COLUMNS if name not in names]
    faults += [f"{name} twice" for name in COLUMNS if names.count(name) > 1]
    if faults:
        shown = escaped(",".join(names)[:120])
        raise SettingsError(f"{path}, line 1: {', '.join(faults)}", f"the header has: {shown}")
    return names


def blocks(path: Path, size: int = BLOCK) -> Iterator[Block]:
    """All lines after the header, in bounded memory; SettingsError where it cannot be read on."""
    with opened(path) as file, refused(path):
        file.readline()
        number = 2
        for data in _whole_lines(file, size):
            lines = data.count(b"\n") + (not data.endswith(b"\n"))
            yield Block(data, number, lines)
            number += lines


def _names(line: bytes) -> list[str]:
    text = line.removeprefix(BOM).decode(errors="replace").strip("\r\n")
    return [name.strip() for row in csv.reader([text]) for name in row]


def _whole_lines(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Blocks cut behind their last line end; the last one may lack it."""
    rest = b""
    while read := file.read(size):
        end = read.rfind(b"\n") + 1
        if end:
            yield rest + read[:end]
        rest = read[end:] if end else rest + read
        if len(rest) > size:
            raise OSError(f"a line is longer than {size >> 20} MB")
    if rest:
        yield rest
