"""A name for a version of a table, which stays readable as long as it has the name. Pure."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from lakehouse.errors import SettingsError

# It begins with a letter, so that no name is a version, a time or a length of time.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
NUMBER = re.compile(r"\d{1,15}", re.ASCII)
NOTE_MOST = 500


class Tag(msgspec.Struct, frozen=True):
    """One version of one table by a name: who gave it, when, and why.

    `time` is when the version was committed. `table_id` and `stamp` tell this version from one of
    the same number, of a table that was made anew or whose newest versions were lost.
    """

    name: str
    table: str
    version: int
    time: datetime
    table_id: str
    stamp: datetime | None
    made: datetime
    who: str = ""
    note: str = ""


def checked(name: str) -> str:
    """Returns a name that a version may have. Raises SettingsError for any other text."""
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"{name[:40]!r} is no name for a version",
            "begin with a letter; letters, digits, dots, dashes and underscores, 64 at most",
        )
    return name


def number_or_name(text: str, given_as: str) -> int | str:
    """Returns the version that a text is the number of, or else the name that it is.

    Raises SettingsError where it is neither; `given_as` is how it was asked for.
    """
    written = text.strip()
    if NUMBER.fullmatch(written):
        return int(written)
    if re.fullmatch(r"-\s*\d+", written):
        raise SettingsError(f"{given_as} {written[:40]}: versions count from 0")
    if not NAME.fullmatch(written):
        raise SettingsError(
            f"{given_as} {written[:40]!r} is neither a version nor the name of one",
            "give a number that `logpond history` shows, or a name of `logpond tag`",
        )
    return written
