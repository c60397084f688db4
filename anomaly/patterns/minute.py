"""The lines of a closed minute that are no requests, with their variable parts masked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NEW, FREQUENT = "new_pattern", "frequent_pattern"
# How incidents write what differs from line to line, and how a name that is cut ends.
LONGEST_NAME, CUT = 160, "..."


class MaskedLine(NamedTuple):
    """Lines of a service that are the same but for what was masked in them.

    `severe` of them are severe enough to be news, or say nothing of their severity; `errors` of
    them are of severity ERROR and above.
    """

    service: str
    text: str
    lines: int
    severe: int = 0
    errors: int = 0


class PatternMinute(NamedTuple):
    """The lines of the minute `at` (minutes since the epoch), by service, the most first."""

    at: int
    each: Sequence[MaskedLine]
