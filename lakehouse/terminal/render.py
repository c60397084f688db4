"""What people and programs are given: lines, tables, JSON, CSV.

The one sink of text out of logs: no control character reaches a terminal, and no cell of a CSV file
is a formula.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

import click
import msgspec

from lakehouse.terminal import grid

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "json", "csv")
MOST_ROWS_OF_A_TABLE = 10_000
# C0, DEL, C1, half characters, and what turns, hides or breaks a line unseen.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# What a spreadsheet computes: at the start of a cell, and where one that divides by semicolons or
# by lines sees a start. The last four are the full-width forms.
_SIGNS = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
FORMULA = rf"^(?:\s*{_SIGNS}|[\t\r])"
_QUOTED = re.compile(r'[",\r\n]')
FORMULA_INSIDE = rf"([\n\r;]\s*)({_SIGNS})"
ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)

Humane = Mapping[str, Callable[[Any], str]]


@dataclass(frozen=True)
class Rows:
    """Named columns, and rows of plain Python values."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @classmethod
    def of_dicts(cls, dicts: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Rows:
        """Rows that are objects already."""
        return cls(columns, [[one[name] for name in columns] for one in dicts])

    @classmethod
    def of_arrow(cls, found: pa.Table) -> Rows:
        """The answer of an engine; a name that comes twice gets a number."""
        names = list(distinct(found.column_names))
        values = [
            [*map(_finite, column.to_pylist(maps_as_pydicts="lossy"))] for column in found.columns
        ]
        return cls(names, list(zip(*values, strict=True)))

    def dicts(self) -> Iterator[dict[str, Any]]:
        """One object a row."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


def show(found: Rows, how: str, out: TextIO, humane: Humane | None = None) -> None:
    """Write rows as `table` (`humane` says how a column reads there), `json` or `csv`."""
    writers = {"json": _json, "csv": _csv}
    if how in writers:
        writers[how](found, out)
    else:
        _table(found, out, humane or {})


def json_rows(found: Rows) -> Iterator[str]:
    """Yields each row as a JSON object, with no control character in it."""
    return (_safe_json(one) for one in found.dicts())


def show_object(one: Mapping[str, Any], out: TextIO) -> None:
    """Write one JSON object."""
    out.write(_safe_json(one) + "\n")


def escaped(text: str, keep: str = "") -> str:
    """Text with every control character but `keep` as an escape that can be read."""
    return UNSAFE.sub(lambda c: c[0] if c[0] in keep else _escape(c[0]), text)


def echo(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Print text to standard output, or to standard error: whatever is in it, it is only text."""
    click.echo(escaped(text, keep="\n\t"), err=err, nl=nl)


def write(text: str, out: TextIO) -> None:
    """Write text to a stream, as `echo` does."""
    out.write(escaped(text, keep="\n\t"))


def csv_line(values: Iterable[Any]) -> str:
    """A line of a CSV file, without its end; a cell that holds a line end of any kind is quoted."""
    cells = (csv_cell(value) for value in values)
    line = ",".join(re.sub('"', '""', c).join('""') if _QUOTED.search(c) else c for c in cells)
    return line or '""'


def csv_cell(value: Any) -> str:
    """A value as a cell of a CSV file: `'` goes before what a spreadsheet would compute.

    Numbers stay as they are. JSON gives every text back as it was.
    """
    text = plain(value)
    if isinstance(value, int | float | Decimal):
        return text
    inside = re.sub(FORMULA_INSIDE, r"\1'\2", text)
    return f"'{inside}" if inside != text or re.search(FORMULA, text) else text


def plain(value: Any) -> str:
    """A value as text: times in UTC, nested values as JSON, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    text = ENCODER.encode(value).decode()
    return text[1:-1] if text.startswith('"') else text


def _finite(value: Any) -> Any:
    """A value without NaN and infinity, which JSON has not: they are text, as NULL is another."""
    if isinstance(value, float):
        return value if math.isfinite(value) else json.dumps(value)
    if isinstance(value, list):
        return [*map(_finite, value)]
    return {name: _finite(of) for name, of in value.items()} if isinstance(value, dict) else value


def _json(found: Rows, out: TextIO) -> None:
    lines = ",\n".join(json_rows(found))
    out.write(f"[\n{lines}\n]\n" if lines else "[]\n")


def _safe_json(one: Mapping[str, Any]) -> str:
    return UNSAFE.sub(lambda c: json.dumps(c[0])[1:-1], ENCODER.encode(one).decode())


def _csv(found: Rows, out: TextIO) -> None:
    text = "".join(f"{csv_line(row)}\n" for row in (found.columns, *found.rows))
    # A file gets the control characters; a terminal must not obey them.
    out.write(escaped(text, keep="\n") if out.isatty() else text)


def _table(found: Rows, out: TextIO, humane: Humane) -> None:
    first = found.rows[:MOST_ROWS_OF_A_TABLE]
    says = [humane.get(name, _cell) for name in found.columns]
    cells = [[escaped(say(value)) for say, value in zip(says, row, strict=True)] for row in first]
    right = [_is_number(found, at) for at in range(len(found.columns))]
    grid.write(grid.Grid([escaped(name) for name in found.columns], cells, right), out)
    if len(found.rows) > len(first):
        out.write(f"... {len(found.rows) - len(first):,} more rows: --format csv or json\n")


def _cell(value: Any) -> str:
    return "NULL" if value is None else plain(value)


def _is_number(found: Rows, at: int) -> bool:
    first = next((row[at] for row in found.rows if row[at] is not None), None)
    return first is not None and not isinstance(first, (str, bool)) and hasattr(first, "__round__")


def distinct(names: Sequence[str]) -> Iterator[str]:
    """Yields the names of columns; one that comes twice gets a number."""
    taken: set[str] = set()
    for name in names:
        own = next(n for n in _numbered(name) if n not in taken)
        taken.add(own)
        yield own


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in range(2, 10_000))


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return short.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
