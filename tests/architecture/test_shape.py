"""How large things are, and who lays them out."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from support.code import FILES, TESTS, folders, functions, lines_of_code, name, text

HERE = Path(__file__).resolve()


def test_folders_are_small() -> None:
    """At most 15 files of code in each, or of tests; only the builders are in one place."""
    counts = folders([*FILES, *TESTS])
    assert {f: n for f, n in counts.items() if n > 15 and f != "tests/support"} == {}


def test_files_are_short() -> None:
    """At most 300 lines of code, none over 100 columns."""
    long = {name(f): lines for f in FILES if (lines := lines_of_code(f)) > 300}
    wide = [name(f) for f in FILES if any(len(line) > 100 for line in text(f).splitlines())]
    assert (long, wide) == ({}, [])


def test_functions_are_short() -> None:
    """Half have at most 7 lines, nine in ten at most 18, none over 40."""
    sizes = {f"{name(f)}:{d.name}": lines_of_code(f, d) for f in FILES for d in functions(f)}
    in_order = sorted(sizes.values())

    assert {where: size for where, size in sizes.items() if size > 40} == {}
    assert statistics.median(in_order) <= 7
    assert in_order[int(len(in_order) * 0.9)] <= 18


def test_the_formatter_alone_lays_out_code() -> None:
    """At most five places ask it to keep away, each with its reason in the same line."""
    asking = re.compile(r"# fmt: (?:skip|off)(.*)")
    reasons = [reason for f in {*FILES, *TESTS} - {HERE} for reason in asking.findall(text(f))]
    assert len(reasons) <= 5
    assert [reason for reason in reasons if len(reason.split()) < 3] == []


def test_nothing_is_left_to_do() -> None:
    """An issue is the place for what is to be done."""
    marks = re.compile(r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    assert [name(f) for f in [*FILES, *TESTS] if marks.search(text(f))] == []
