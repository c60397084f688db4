"""What a rule counts in some minutes, or why it cannot be counted. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from anomaly.rules.rule import Rule
from anomaly.rules.tally import Tallies

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MINUTE = timedelta(minutes=1)
# What one rule may hold in memory while it is counted.
MEMORY = "1GB"


class Part(NamedTuple):
    """What a rule counts in the minutes from `first` up to, but without, `end`."""

    rule: Rule
    counted: Tallies
    first: int
    end: int


class RuleFault(NamedTuple):
    """A rule that cannot be counted, as its SQL fails on a row."""

    rule: Rule
    why: str


def minute_of(at: datetime) -> int:
    """Converts a time to minutes since the epoch."""
    return (at - EPOCH) // MINUTE


def first_minute(day: date) -> int:
    """Returns the first minute of a day, since the epoch."""
    return (day - EPOCH.date()).days * 1440
