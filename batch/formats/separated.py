"""Separated values: which separator, whether a header, which columns. Pure.

DuckDB's sniffer takes another separator as soon as lines are broken; here the most rows decide.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import count, islice

from batch.formats import names

DELIMITERS = (",", ";", "\t", "|")
ROWS = 200
# Broken rows do not make a file something else, while they are fewer than the others.
ENOUGH = 0.5


@dataclass(frozen=True)
class Separated:
    """How to read a file: its separator, its columns (`column0`, ... without a header)."""

    delimiter: str
    header: bool
    columns: tuple[str, ...]
    examples: names.Examples


def recognise(text: str) -> Separated | None:
    """The form that most of the first rows have; None where they are no table.

    A table has two columns or more, and in them names that are known, or a number, a time or an
    address: prose has commas too. A header has names only.
    """
    candidates = [(delimiter, _rows(text, delimiter)) for delimiter in DELIMITERS]
    delimiter, rows = max(candidates, key=lambda one: _score(one[1]))
    share, width = _score(rows)
    alike = [row for row in rows if len(row) == width]
    if share < ENOUGH or not _is_table(alike):
        return None
    header = len(rows[0]) == width and not any(map(names.is_value, rows[0]))
    columns = _named(rows[0] if header else [""] * width)
    data = alike[1:] if header else alike
    examples = {name: [row[at] for row in data if row[at]] for at, name in enumerate(columns)}
    return Separated(delimiter, header, columns, examples)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [row for row in islice(reader, ROWS) if row]
    except csv.Error:
        return []


def _score(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows of the usual width, and that width; a single column is no table."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
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
