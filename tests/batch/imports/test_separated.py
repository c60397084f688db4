"""Rows of CSV with the bytes of each: whatever is broken, the rows after it are there."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.imports.separated import MOST_LINES, rows

CELL = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=8)


def cells(*lines: bytes) -> list[list[str] | None]:
    """The cells of each row."""
    return [row.cells for row in rows(lines, ",")]


def test_a_quoted_field_goes_over_lines() -> None:
    """Its row is known by its first line, and keeps all of its bytes."""
    first, second = rows([b'a,"b', b"", b'c"', b"d,e"], ",")
    assert (first.cells, first.line, first.original) == (["a", "b\n\nc"], 1, b'a,"b\n\nc"')
    assert (second.cells, second.line) == (["d", "e"], 4)


@pytest.mark.parametrize("broken", [b'a,"b', b'"a"b,c', b'"'], ids=["open", "after", "alone"])
def test_a_broken_row_is_its_first_line_alone(broken: bytes) -> None:
    """The next one is read as if it were the first."""
    first, second, third = rows([broken, b"c,d", b"e,f"], ",")
    assert (first.cells, first.original, first.line) == (None, broken, 1)
    assert [(second.cells, second.line), (third.cells, third.line)] == [
        (["c", "d"], 2),
        (["e", "f"], 3),
    ]


def test_an_open_quote_is_not_looked_for_without_end() -> None:
    """However long the file is."""
    found = cells(b'"a', *[b"b,c"] * (3 * MOST_LINES))
    assert found == [None, *[["b", "c"]] * (3 * MOST_LINES)]


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    """As surrogates in the cells, and as they were in the row."""
    (row,) = rows([b"\xff,b"], ",")
    assert (row.cells, row.original) == (["\udcff", "b"], b"\xff,b")


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=20))
def test_what_a_writer_writes_is_read_back(table: list[list[str]]) -> None:
    """Any cells, in any number."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    lines = out.getvalue().encode().split(b"\n")[:-1]
    assert cells(*lines) == table
