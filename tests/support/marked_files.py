"""Files of tests of which `-m` leaves nothing: reading them would take as long as many tests."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import product
from pathlib import Path

from _pytest.mark.expression import Expression

ALL_OF_IT = re.compile(r"^pytestmark = (\[.*?\]|.*?$)", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"pytest\.mark\.(\w+)\b(?!\()")


def is_left_out(file: Path, chosen: str) -> bool:
    """Whether no test of a file can fit the expression of `-m`, whatever other marks it has."""
    return bool(chosen) and not may_fit(marks_of(file.read_text(encoding="utf-8")), chosen)


def marks_of(text: str) -> set[str]:
    """Returns the marks that a file gives to all of its tests."""
    found = ALL_OF_IT.search(text)
    return {*MARK.findall(found[1])} if found else set()


def may_fit(marks: Collection[str], chosen: str) -> bool:
    """Whether a test that has these marks, and perhaps others, may fit an expression."""
    expression = Expression.compile(chosen)
    others = sorted({*re.findall(r"\w+", chosen)} - {"and", "or", "not", *marks})
    for given in product((False, True), repeat=len(others)):
        known = dict(zip(others, given, strict=True)) | dict.fromkeys(marks, True)
        if expression.evaluate(lambda name, /, **_: known.get(name, False)):  # noqa: B023
            return True
    return False
