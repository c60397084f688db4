"""What the methods of the public API take: another kind is refused in words, and nothing is read.

One table says what an argument may be, by its name; every method goes through it.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from numbers import Integral
from typing import Any, ParamSpec, TypeVar

from lakehouse.errors import SettingsError

P = ParamSpec("P")
R = TypeVar("R")
Time = str | date | timedelta | None
MOST, SURROGATE = 1 << 63, re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Kind:
    """Types that an argument may have, and how a person calls them."""

    types: tuple[type, ...]
    words: str

    def has(self, value: Any) -> bool:
        """Whether a value is of this kind: True is no number."""
        return isinstance(value, self.types) and not isinstance(value, bool)


NONE = type(None)
TEXT, MAYBE_TEXT = Kind((str,), "text"), Kind((str, NONE), "text, or None")
COUNT = Kind((Integral,), "a whole number")
A_VERSION = Kind((Integral, str), "a number, or a name of `logpond tag`")
VERSION = Kind((*A_VERSION.types, NONE), A_VERSION.words)
TIME = Kind(
    (str, date, timedelta, NONE), "a datetime, a date, a timedelta (that long ago), or text as '3d'"
)
TAKES = {
    "lake": Kind((str, os.PathLike, NONE), "a folder or a URL, as text or a path"),
    "statement": TEXT,
    "query": MAYBE_TEXT,
    "where": MAYBE_TEXT,
    "table": TEXT,
    "name": TEXT,
    "incident_id": TEXT,
    "limit": COUNT,
    "version": VERSION,
    "before": A_VERSION,
    "after": A_VERSION,
    "as_of": TIME,
    "since": TIME,
}


def checked(method: Callable[P, R]) -> Callable[P, R]:
    """Returns a function of the API that raises SettingsError for an argument of another kind."""
    signature = inspect.signature(method)

    @wraps(method)
    def called(*args: P.args, **named: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **named).arguments
        except TypeError:  # too many, too few or unknown ones: Python says which
            return method(*args, **named)
        for name, value in given.items():
            if name in TAKES:
                _check(name, value)
        return method(*args, **named)

    return called


def as_text(given: Time, now: datetime, name: str) -> str | None:
    """Returns a time as text, as it is written on the command line.

    A naive one means UTC, a date its first instant, a length of time so long before now.
    """
    if isinstance(given, timedelta):
        try:
            return (now - abs(given)).isoformat()
        except OverflowError:
            raise SettingsError(f"{name} {given} is longer ago than times go back") from None
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).isoformat()
    return given.isoformat() if isinstance(given, date) else given


def _check(name: str, value: Any) -> None:
    takes = TAKES[name]
    if not takes.has(value):
        shown = "None" if value is None else f"of type {type(value).__name__}"
        raise SettingsError(f"{name} is {shown}, which it cannot be", f"give {takes.words}")
    if isinstance(value, str) and SURROGATE.search(value):
        raise SettingsError(f"{name} {value!a:.60} is no text: it has half a character")
    if takes is COUNT and value < 0:
        raise SettingsError(f"{name} {value}: there are no fewer than no rows")
    if takes is COUNT and value >= MOST:
        raise SettingsError(f"{name} {value}: no table has so many rows", "give a smaller one")
