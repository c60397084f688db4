"""What kinds of conditions have in common: words to values, and what is counted. Pure."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from anomaly.engine.columns import Array, Bools, Floats, Ints
from anomaly.engine.detector import DOWN, UP
from lakehouse.query.search import Node, QueryFault, parse
from lakehouse.query.search.fields import Field

UNITS = {"min": 1, "m": 1, "h": 60, "d": 1440}
LONGEST = 7 * 1440
PERIOD = r"\d{1,9} ?[a-z]+"
# The end of most conditions: `> 20 in 5 min`.
BOUND = rf" (?P<op>[<>]=?) ?(?P<bound>\S+) in (?P<period>{PERIOD})"
Words = Mapping[str, str]


@dataclass(frozen=True)
class Limit:
    """A number, and on which side of it a condition holds."""

    op: str
    value: float

    @property
    def direction(self) -> str:
        """`up` where too much is wrong, `down` where too little is."""
        return UP if self.op.startswith(">") else DOWN

    def render(self, unit: str = "") -> str:
        """Returns it as it was written, in brackets."""
        return f"({self.op} {self.value:,g}{unit})"

    def holds(self, values: Array) -> Bools:
        """Returns for which values the condition holds; NaN is none of them."""
        if self.op.startswith(">"):
            return np.asarray(values >= self.value if self.op == ">=" else values > self.value)
        return np.asarray(values <= self.value if self.op == "<=" else values < self.value)


class Slots(NamedTuple):
    """How the rows of a minute are told apart: not, by a part of them, or by buckets of a field.

    `is_answered`: they are not, but a statement answers a value.
    """

    part: Node | None = None
    buckets: Field | None = None
    is_answered: bool = False


class Verdict(NamedTuple):
    """Of each group its value, whether the condition holds, and the rows that this rests on."""

    value: Floats
    fires: Bools
    n: Ints


class Condition(ABC):
    """A kind is a module of `kinds` with a class `Kind`; `head` and `tail` are its words.

    Between them stands ` where QUERY`, which chooses the rows that are counted. The module's
    class is made of the named groups of both patterns.
    """

    head: ClassVar[str]
    tail: ClassVar[str] = BOUND
    # As a person would write it.
    example: ClassVar[str]
    # Whether groups without a row are judged, which were seen before.
    remembers: bool = False

    limit: Limit
    windows: tuple[int, ...]

    @classmethod
    @abstractmethod
    def of(cls, words: Words) -> Condition:
        """Makes it of its words. Raises ValueError with what is wrong."""

    @property
    def slots(self) -> Slots:
        """How the rows of a minute are told apart."""
        return Slots()

    @abstractmethod
    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Judges all groups, by the sums of each window: arrays of the shape (groups, slots).

        Of buckets they begin with number `first`.
        """

    @abstractmethod
    def render(self, value: float, n: float) -> str:
        """Says in a few words what was seen."""

    @property
    def longest(self) -> int:
        """The minutes of the longest window."""
        return max(self.windows)


def limit(words: Words) -> Limit:
    """Returns the bound of a condition. Raises ValueError where it is no number."""
    return Limit(words["op"], number(words["bound"]))


def number(text: str) -> float:
    """Returns a finite number of at most 15 digits. Raises ValueError for anything else."""
    try:
        value = float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.A) else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no number: write a bound as 20 or 0.5")
    return value


def minutes(text: str) -> int:
    """Returns the minutes of a period. Raises ValueError for none, or one of over seven days."""
    found = re.fullmatch(r"(\d+) ?([a-z]+)", text, re.A)
    unit = UNITS.get(found[2]) if found else None
    length = int(found[1]) * unit if found and unit else 0
    if not 1 <= length <= LONGEST:
        raise ValueError(f"{text[:40]} is no period: write 1 min to 7 d, as 5 min or 2 h")
    return length


def span(length: int) -> str:
    """Returns minutes in words."""
    for unit in ("d", "h"):
        if length % UNITS[unit] == 0:
            return f"{length // UNITS[unit]} {unit}"
    return f"{length} min"


def query(text: str) -> Node:
    """Parses a query of logs. Raises ValueError with the place that means nothing.

    A lone `=` is no word that anybody looks for: it is SQL, which would be a search for its words.
    """
    if re.search(r"(^|\s)(=|==|<>|!=)(\s|$)", re.sub(r'"[^"]*"', "", text)):
        raise ValueError("this is SQL: write level:error, or give the condition as `sql = ...`")
    try:
        return parse(text)
    except QueryFault as fault:
        place = fault.query[fault.start : fault.end][:60]
        raise ValueError(f"in the query, at `{place}`: {fault.what}; {fault.remedy}") from None


def share(parts: Array, wholes: Array) -> Floats:
    """Returns parts of wholes; NaN where there is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(wholes > 0, parts / wholes, np.nan))
