"""Guesses the type of a text column, and gives the SQL of DuckDB that casts to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|[+-]\d\d.*))?")
CLF = re.compile(r"\[?\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]?")
LOOKS: dict[str, Callable[[str], object]] = {
    "integer": re.compile(r"[+-]?\d{1,18}").fullmatch,
    "number": re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?").fullmatch,
    "time": TIME.fullmatch,
    "clf time": CLF.fullmatch,
    "boolean": re.compile(r"true|false", re.IGNORECASE).fullmatch,
}
SQL = {
    "integer": "CASE WHEN NOT contains({0}, '.') THEN TRY_CAST({0} AS BIGINT) END",
    "number": "TRY_CAST({0} AS DOUBLE)",
    "time": "TRY_CAST({0} AS TIMESTAMPTZ)",
    "clf time": "try_strptime(trim({0}, '[]'), '%d/%b/%Y:%H:%M:%S %z')",
    "boolean": "TRY_CAST({0} AS BOOLEAN)",
    "text": "left({0}, 256)",
}
TIMES = ("time", "clf time")
MOST = 0.75


def type_of(values: Sequence[str]) -> str:
    """Returns the type (a key of `SQL`) that three of four values look like; else `text`."""
    for name, look in LOOKS.items():
        if values and sum(1 for value in values if look(value.strip())) >= MOST * len(values):
            return name
    return "text"


def sql(name: str, kind: str) -> str:
    """Returns the SQL that casts a text column to a type; a value that does not fit is NULL."""
    return SQL[kind].format(name)
