"""Rows come out as they are, and nothing in them commands a terminal."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from lakehouse.terminal.render import FORMATS, UNSAFE, Rows, csv_cell, echo, escaped, show

HOSTILE = "[red]x[/red] :smile: \x1b[31m\x1b]0;pwned\x07 \x9b2J \u202egpj.exe\r\ttab\x7f"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def shown(rows: Rows, how: str, out: io.StringIO) -> str:
    """What was written."""
    show(rows, how, out)
    return out.getvalue()


@pytest.mark.parametrize("how", FORMATS)
def test_no_control_character_reaches_a_terminal(how: str) -> None:
    """Neither from a value nor from the name of a column; colours of our own aside."""
    found = shown(Rows([HOSTILE], [[HOSTILE], [[HOSTILE]]]), how, Terminal())
    assert not set("\x1b\x07\x9b\u202e\r\t\x7f") & set(
        found.replace("\x1b[1m", "").replace("\x1b[0m", "")
    )


def test_markup_in_data_stays_text() -> None:
    """Square brackets and emoji codes are shown, not obeyed."""
    found = shown(Rows(["t"], [["[red]x[/red] :smile: [/]"]]), "table", Terminal())
    assert "[red]x[/red] :smile: [/]" in found


def test_json_gives_the_very_text_back() -> None:
    """What is escaped is escaped as JSON does it."""
    found = shown(Rows(["t"], [[HOSTILE]]), "json", Terminal())
    assert json.loads(found) == [{"t": HOSTILE}]


def test_csv_in_a_file_gives_the_very_text_back() -> None:
    """Only a terminal gets it escaped."""
    found = shown(Rows(["t", "n"], [[HOSTILE + '\n"', None]]), "csv", io.StringIO())
    assert [*csv.reader(io.StringIO(found, newline=""))][1] == [HOSTILE + '\n"', ""]


def test_values_have_one_form_in_json() -> None:
    """Times in UTC, dates, whole decimals as numbers, NaN as null, nested values as they are."""
    at = datetime(2026, 5, 2, 7, tzinfo=UTC)
    row = [at, date(2026, 5, 2), Decimal("12"), float("nan"), True, [{"a": 1}], None]
    found = shown(Rows([*"abcdefg"], [row]), "json", io.StringIO())
    values = ["2026-05-02T07:00:00Z", "2026-05-02", 12, None, True, [{"a": 1}], None]
    assert json.loads(found) == [dict(zip("abcdefg", values, strict=True))]


def test_a_piped_table_is_plain_and_aligned() -> None:
    """Numbers to the right, NULL said, no colour and no frame."""
    found = shown(Rows(["name", "n"], [["a", 5], [None, 12345]]), "table", io.StringIO())
    assert found.splitlines() == ["name      n", "a         5", "NULL  12345"]


def test_columns_of_one_name_are_all_there() -> None:
    """The second gets a number that no other column has."""
    found = Rows.of_arrow(
        pa.Table.from_arrays([pa.array([n]) for n in range(3)], ["a", "a_2", "a"])
    )
    assert [*found.dicts()] == [{"a": 0, "a_2": 1, "a_3": 2}]


def test_rows_too_wide_for_a_terminal_go_down_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line a column, whole values."""
    monkeypatch.setenv("COLUMNS", "40")
    wide = Rows(["a", "bb", "c", "d"], [["x" * 50, 1, "y" * 20, "z" * 20]])
    found = shown(wide, "table", Terminal()).splitlines()
    assert found[:3] == ["row 1", f"  a   {'x' * 50}", "  bb  1"]


@pytest.mark.parametrize("how", FORMATS)
def test_no_rows_are_no_fault(how: str) -> None:
    """The names of the columns, or an empty list."""
    found = shown(Rows(["a"], []), how, io.StringIO())
    assert found == ("[]\n" if how == "json" else "a\n")


def test_escapes_can_be_read() -> None:
    """Each names its character; what is kept is kept."""
    assert escaped("a\nb\x1b\x85\u202e", keep="\n") == "a\nb\\x1b\\x85\\u202e"


# What a spreadsheet computes, also where it divides cells by semicolons, or at any line end.
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", ";=1", "a\n=1", "a; =1", " =1"]
FORMULAS += ["\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "a;\uff1d1", "\u00a0=1", "a\r\n@x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_csv_is_a_formula(text: str) -> None:
    """It begins with a quote, and so does each part of it that could be taken for a cell."""
    (_, (cell,)) = csv.reader(io.StringIO(shown(Rows(["t"], [[text]]), "csv", io.StringIO()), ""))
    parts = [part.strip() for line in cell.splitlines() for part in line.split(";")]

    assert cell.startswith("'")
    assert [part for part in parts if part.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))] == []
    assert cell.replace("'", "") == text


def test_names_of_columns_are_no_formulas() -> None:
    """A statement names them: `SELECT 1 AS "=1+1"`."""
    assert shown(Rows(["=1+1"], []), "csv", io.StringIO()) == "'=1+1\n"


@pytest.mark.parametrize(
    "value", [-1, -1.5, Decimal("-2"), "2026-05-01", "a-b", "a = b", "x;y", ""]
)
def test_what_is_no_formula_stays_as_it_is(value: object) -> None:
    """Numbers above all."""
    assert csv_cell(value) == str(value)


UNSEEN = (
    "\x00\x07\x08\r\x1b\x7f\x85\x9b\u061c\u180e\u200b\u2028\u202e\u2060\u2066\ufeff\ufff9\U000e0041"
)


@pytest.mark.parametrize("character", [*UNSEEN, "\udc80"])
def test_lines_are_only_text(character: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line ends and tabs are kept; what commands, turns or hides is shown as an escape."""
    echo(f"a{character}\tb\nc")

    assert UNSAFE.sub("", capsys.readouterr().out) == f"a{escaped(character)}bc"


def test_json_of_any_character_is_json() -> None:
    """Also of those beyond the first 65,536."""
    found = shown(Rows(["t"], [[UNSEEN]]), "json", Terminal())
    assert (json.loads(found), set(UNSEEN) & set(found)) == ([{"t": UNSEEN}], set())
