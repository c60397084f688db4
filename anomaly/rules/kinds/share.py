"""A part of the rows: `share of status:5xx where service:cart > 5 % in 10 min`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anomaly.engine.columns import Ints
from anomaly.rules.condition import (
    BOUND,
    Condition,
    Limit,
    Slots,
    Verdict,
    Words,
    limit,
    minutes,
    query,
    share,
    span,
)
from lakehouse.query.search import Node


@dataclass(frozen=True)
class Kind(Condition):
    """The share of rows that fit a second query, in percent."""

    head = "share of (?P<part>.+?)"
    tail = BOUND.replace(" in ", " ?% in ", 1)
    example = "share of status:5xx where service:checkout > 5 % in 10 min"

    limit: Limit
    windows: tuple[int, ...]
    part: Node

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of the part, a bound in percent and a period."""
        return cls(limit(words), (minutes(words["period"]),), query(words["part"]))

    @property
    def slots(self) -> Slots:
        """The part and the rest."""
        return Slots(self.part)

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Compares the share; without rows there is none."""
        rows = sums[0].sum(axis=1)
        value = 100 * share(sums[0][:, 1], rows)
        return Verdict(value, self.limit.holds(value), rows)

    def render(self, value: float, n: float) -> str:
        """Says what share of how many rows."""
        return (
            f"{value:.3g} % of {n:,.0f} rows in {span(self.windows[0])} {self.limit.render(' %')}"
        )
