"""Lines to rows of text. Polars reads a block; where rows are not its lines, each is read alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from batch.jobs.watch_time.source import COLUMNS, Block

if TYPE_CHECKING:
    import polars as pl

NOT_UTF8, QUOTES = "not_utf8", "broken_quotes"


class Parsed(NamedTuple):
    """`rows`: line and the five values as text; `broken`: line, reason, raw."""

    rows: pl.DataFrame
    broken: pl.DataFrame


def parse(block: Block, names: Sequence[str]) -> Parsed:
    """The rows of a block of a file with these columns; a line that is no row is broken.

    Values that a short line lacks are NULL, those that a long one has too many are left out.
    """
    import polars as pl

    wanted = [names.index(name) for name in COLUMNS]
    try:
        found = _at_once(block.data, len(names), wanted)
    except pl.exceptions.PolarsError:
        return _one_by_one(block, wanted)
    # a quote that is not closed takes the next lines into its value
    if found.height != block.lines:
        return _one_by_one(block, wanted)
    numbers = pl.int_range(block.line, block.line + block.lines, eager=True).alias("line")
    return Parsed(found.insert_column(0, numbers), _broken([]))


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
    return found.select(pl.col(str(at)).alias(n) for at, n in zip(wanted, _texts(), strict=True))


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
    schema = {"line": pl.Int64, **dict.fromkeys(_texts(), pl.String)}
    return Parsed(pl.DataFrame(good, schema, orient="row"), _broken(broken))


def _lines(data: bytes) -> Iterator[bytes]:
    lines = data.removesuffix(b"\n").split(b"\n")
    return (line.removesuffix(b"\r") for line in lines)


def _split(line: bytes) -> tuple[list[str], str]:
    """The values of a line, or why it has none."""
    try:
        return next(csv.reader([line.decode()], strict=True), []), ""
    except UnicodeDecodeError:
        return [], NOT_UTF8
    except csv.Error:
        return [], QUOTES


def _at(values: list[str], at: int) -> str | None:
    return values[at] if at < len(values) else None


def _texts() -> list[str]:
    return [*COLUMNS.values()]


def _broken(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        rows, {"line": pl.Int64, "reason": pl.String, "raw": pl.String}, orient="row"
    )
