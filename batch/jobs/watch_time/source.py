"""A CSV file of any size, plain or gzip: blocks of whole lines, and their rows; a row is a line.

Polars reads a block at once; where its rows are not the lines, each line is read alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import BOM, opened, refused
from lakehouse.formats.tables.rows import csv_reader
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    import polars as pl

BLOCK = 8 << 20
# The columns that are read, and what they are called from here on.
COLUMNS = {
    "log_id": "log_id",
    "user_id": "user_id",
    "ip": "ip",
    "timestamp": "timestamp",
    "watch_time(min)": "watch_time",
}
VALUES = [*COLUMNS.values()]
# Polars unpacks what begins so (gzip, zlib, zstandard), even where it is a line of text.
PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x28\xb5\x2f\xfd")
NOT_UTF8, QUOTES = "not_utf8", "broken_quotes"


class Block(NamedTuple):
    """Whole lines: the bytes, the number of the first one in its file (from 1), and how many."""

    data: bytes
    line: int
    lines: int


class Parsed(NamedTuple):
    """`rows`: line and the five values as text; `broken`: line, reason, raw."""

    rows: pl.DataFrame
    broken: pl.DataFrame


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
        header = escaped(",".join(names)[:120])
        raise SettingsError(f"{path}, line 1: {', '.join(faults)}", f"the header has: {header}")
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


def parse(block: Block, names: Sequence[str]) -> Parsed:
    """The rows of a block of a file with these columns; a line that is no row is broken.

    Values that a short line lacks are NULL, those that a long one has too many are left out, and
    so are blanks around a value.
    """
    import polars as pl

    wanted = [names.index(name) for name in COLUMNS]
    if block.data.startswith(PACKED):
        return _one_by_one(block, wanted)
    try:
        found = _at_once(block.data, len(names), wanted)
    except pl.exceptions.PolarsError:
        return _one_by_one(block, wanted)
    # a quote that is not closed takes the next lines into its value
    if found.height != block.lines:
        return _one_by_one(block, wanted)
    numbers = pl.int_range(block.line, block.line + block.lines, eager=True).alias("line")
    bare = found.with_columns(pl.all().str.strip_chars(" "))
    return Parsed(bare.insert_column(0, numbers), _broken([]))


def _names(line: bytes) -> list[str]:
    text = line.removeprefix(BOM).decode(errors="replace").strip("\r\n")
    return [name.strip() for row in csv_reader([text]) for name in row]


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


def _at_once(data: bytes, width: int, wanted: list[int]) -> pl.DataFrame:
    import polars as pl

    numbered = {str(at): pl.String for at in range(width)}
    found = pl.read_csv(
        data,
        has_header=False,
        schema=numbered,
        infer_schema=False,
        extra_columns="ignore",
        missing_columns="insert",
    )
    return found.select(pl.col(str(at)).alias(n) for at, n in zip(wanted, VALUES, strict=True))


def _one_by_one(block: Block, wanted: list[int]) -> Parsed:
    import polars as pl

    good: list[tuple[int | str | None, ...]] = []
    broken: list[tuple[int, str, str]] = []
    for number, line in enumerate(_lines(block.data), block.line):
        values, reason = _split(line)
        if reason:
            broken.append((number, reason, line.decode(errors="backslashreplace")))
        else:
            good.append((number, *(_at(values, at) for at in wanted)))
    schema = {"line": pl.Int64, **dict.fromkeys(VALUES, pl.String)}
    return Parsed(pl.DataFrame(good, schema, orient="row"), _broken(broken))


def _lines(data: bytes) -> Iterator[bytes]:
    lines = data.removesuffix(b"\n").split(b"\n")
    return (line.removesuffix(b"\r") for line in lines)


def _split(line: bytes) -> tuple[list[str], str]:
    """The values of a line, or why it has none."""
    try:
        return next(csv_reader([line.decode()], strict=True), []), ""
    except UnicodeDecodeError:
        return [], NOT_UTF8
    except csv.Error:
        return [], QUOTES


def _at(values: list[str], at: int) -> str | None:
    return values[at].strip(" ") if at < len(values) else None


def _broken(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        rows, {"line": pl.Int64, "reason": pl.String, "raw": pl.String}, orient="row"
    )
