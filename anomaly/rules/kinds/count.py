"""More rows than a bound in a period, or fewer: `count where level:error > 20 in 5 min`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anomaly.engine.columns import Ints
from anomaly.engine.detector import DOWN
from anomaly.rules.condition import Condition, Limit, Verdict, Words, limit, minutes, span


@dataclass(frozen=True)
class Kind(Condition):
    """How many rows there are. Below a bound, groups that were seen before count as none."""

    head = "count"
    example = "count where level:error service:billing > 20 in 5 min"

    limit: Limit
    windows: tuple[int, ...]

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of a bound and a period."""
        return cls(limit(words), (minutes(words["period"]),))

    @property
    def remembers(self) -> bool:  # type: ignore[override]
        """Whether silent groups are judged."""
        return self.limit.direction == DOWN

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Compares the rows of the period."""
        rows = sums[0].sum(axis=1)
        return Verdict(rows.astype(float), self.limit.holds(rows), rows)

    def render(self, value: float, n: float) -> str:
        """Says how many there were, and the bound."""
        return f"{value:,.0f} rows in {span(self.windows[0])} {self.limit.render()}"
