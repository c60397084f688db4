"""Rows of plain values for people and programs: a table, JSON or CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import msgspec

FORMATS = ("table", "json", "csv")


def show(rows: Sequence[Mapping[str, Any]], how: str, out: TextIO) -> None:
    """Write rows that all have the same names."""
    if how == "json":
        out.write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
    elif how == "csv":
        writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _table(rows, out)


def _table(rows: Sequence[Mapping[str, Any]], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, value in (rows[0] if rows else {}).items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    console = Console(file=out, width=None if out.isatty() else 240, highlight=False)
    console.print(table)
