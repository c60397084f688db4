"""Cells of text as a table: framed on a terminal, plain in a pipe, row by row where too wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

# A column narrower than this is not worth reading.
NARROWEST = 12
GAP = 3


@dataclass(frozen=True)
class Grid:
    """Names and cells without control characters; `right` says which columns are numbers."""

    names: Sequence[str]
    cells: Sequence[Sequence[str]]
    right: Sequence[bool]

    @property
    def widths(self) -> list[int]:
        """The widest text of each column."""
        lines = [self.names, *self.cells]
        return [max(len(line[at]) for line in lines) for at in range(len(self.names))]


def write(grid: Grid, out: TextIO) -> None:
    """Write a table in the form that suits the stream."""
    if not out.isatty():
        _plain(grid, out)
        return
    from rich.console import Console

    console = Console(file=out, markup=False, highlight=False, emoji=False)
    if sum(min(width, NARROWEST) + GAP for width in grid.widths) > console.width:
        _vertical(grid, out)
    else:
        _framed(grid, console)


def _framed(grid: Grid, console: object) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    assert isinstance(console, Console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, is_right in zip(grid.names, grid.right, strict=True):
        table.add_column(Text(name), justify="right" if is_right else "left", overflow="fold")
    for row in grid.cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _plain(grid: Grid, out: TextIO) -> None:
    widths = grid.widths
    for line in [grid.names, *grid.cells]:
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, grid.right, strict=True)
        ]
        out.write("  ".join(padded).rstrip() + "\n")


def _vertical(grid: Grid, out: TextIO) -> None:
    widest = max(map(len, grid.names))
    for number, row in enumerate(grid.cells, 1):
        out.write(f"row {number}\n")
        for name, cell in zip(grid.names, row, strict=True):
            out.write(f"  {name.ljust(widest)}  {cell}\n")
    if not grid.cells:
        out.write(f"no rows of {', '.join(grid.names)}\n")
