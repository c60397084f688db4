"""Separated values: which separator, where the header is, which columns. Pure.

The most rows of one width decide; lines before them (`sep=;`, comments, a title) are no rows.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from lakehouse.formats import names
from lakehouse.formats.format import ENOUGH
from lakehouse.formats.tables.rows import csv_reader, settings

DELIMITERS = (",", ";", "\t", "|")
ROWS = 200
_SEPARATOR = "sep="


@dataclass(frozen=True)
class Separated:
    """How to read a file: its separator, its columns (`column0`, ... without a header).

    `skip` lines stand before the header or the first row; `share` of the rows are whole.
    """

    delimiter: str
    escape: str
    header: bool
    skip: int
    columns: tuple[str, ...]
    examples: dict[str, list[Any]]
    share: float


def recognise(text: str) -> Separated | None:
    """The form that most of the first rows have; None where they are no table.

    A table has two columns or more, and in them names that are known, or a number, a time or an
    address: prose has commas too. A header has names only.
    """
    given = _given(text)
    escape = "\\" if '\\"' in text else ""
    candidates = [(delimiter, _rows(text, delimiter, escape)) for delimiter in given or DELIMITERS]
    delimiter, rows = max(candidates, key=lambda one: _score(one[1]))
    share, width = _score(rows)
    alike = [cells for _, cells in rows if len(cells) == width]
    if share < ENOUGH or not _is_table(alike):
        return None
    first = next(at for at, (_, cells) in enumerate(rows) if len(cells) == width)
    header = not any(map(names.is_value, rows[first][1]))
    columns = _named(rows[first][1] if header else [""] * width)
    data = alike[1:] if header else alike
    examples: dict[str, list[Any]] = {
        name: [row[at] for row in data if row[at]] for at, name in enumerate(columns)
    }
    return Separated(delimiter, escape, header, rows[first][0], columns, examples, share)


def _given(text: str) -> str:
    """The separator that a first line `sep=;` names, as spreadsheets write it."""
    first = text.lstrip().split("\n", 1)[0].strip("\r")
    return first[len(_SEPARATOR) :] if first[:-1].lower() == _SEPARATOR else ""


def _rows(text: str, delimiter: str, escape: str) -> list[tuple[int, list[str]]]:
    """The first rows, each with the number of lines before it."""
    form = settings(delimiter, escape) | {"strict": False}
    reader = csv_reader(io.StringIO(text, newline=""), **form)
    found: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in islice(reader, ROWS):
            cells = [cell.strip(" ") for cell in row]
            if any(cells) and not cells[0].startswith("#"):
                found.append((before, cells))
            before = reader.line_num
    except csv.Error:
        return []
    return found


def _score(rows: list[tuple[int, list[str]]]) -> tuple[float, int]:
    """The share of rows of the usual width, and that width; a single column is no table."""
    widths = Counter(len(cells) for _, cells in rows if len(cells) > 1)
    if not widths:
        return 0.0, 0
    width, most = max(widths.items(), key=lambda one: (one[1], one[0]))
    return most / len(rows), width


def _is_table(rows: list[list[str]]) -> bool:
    return any(names.is_known(cell) for cell in rows[0]) or any(
        names.is_value(cell) for row in rows for cell in row
    )


def _named(header: list[str]) -> tuple[str, ...]:
    """Names that DuckDB can tell apart: an empty one by its place, a second one with a number."""
    found: dict[str, str] = {}
    for at, cell in enumerate(header):
        name = cell.strip() or f"column{at}"
        numbered = (f"{name}_{number}" if number else name for number in count())
        own = next(one for one in numbered if one.casefold() not in found)
        found[own.casefold()] = own
    return tuple(found.values())
