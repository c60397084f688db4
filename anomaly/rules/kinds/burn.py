"""An objective's budget burns too fast: `burn of 99.9 % by status:5xx > 14.4 in 1 h and 5 min`.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.engine.columns import Ints
from anomaly.rules.condition import (
    BOUND,
    PERIOD,
    Condition,
    Limit,
    Slots,
    Verdict,
    Words,
    limit,
    minutes,
    number,
    query,
    share,
    span,
)
from lakehouse.query.search import Node


@dataclass(frozen=True)
class Kind(Condition):
    """The share of bad rows by the share that the objective allows, in a long and a short window.

    Both must be over the bound: the long one says that it matters, the short one that it goes on.
    """

    head = r"burn of (?P<objective>\S+?) ?% by (?P<part>.+?)"
    tail = rf"{BOUND} and (?P<short>{PERIOD})"
    example = "burn of 99.9 % by status:5xx where service:checkout > 14.4 in 1 h and 5 min"

    limit: Limit
    windows: tuple[int, ...]
    allowed: float
    part: Node

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of an objective, what is bad, a bound and two periods."""
        objective = number(words["objective"])
        if not 0 < objective < 100:
            raise ValueError(f"{words['objective'][:20]} % is no objective: write 99 or 99.9")
        both = sorted((minutes(words["period"]), minutes(words["short"])), reverse=True)
        allowed = float(f"{1 - objective / 100:.9g}")
        return cls(limit(words), tuple(both), allowed, query(words["part"]))

    @property
    def slots(self) -> Slots:
        """What is bad, and the rest."""
        return Slots(self.part)

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Compares the slower of both rates; without rows there is none."""
        rates = [share(one[:, 1], one.sum(axis=1)) / self.allowed for one in sums]
        value = np.minimum(*rates) if self.limit.op.startswith(">") else np.maximum(*rates)
        return Verdict(value, self.limit.holds(value), sums[0].sum(axis=1))

    def render(self, value: float, n: float) -> str:
        """Says how fast, in both windows."""
        both = " and ".join(span(one) for one in self.windows)
        rows = f"{n:,.0f} rows {self.limit.render()}"
        return f"burns its budget {value:.3g} times too fast in {both}, {rows}"
