"""No row in a period: `none where service:backup in 26 h`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anomaly.engine.columns import Ints
from anomaly.rules.condition import PERIOD, Condition, Limit, Verdict, Words, minutes, span


@dataclass(frozen=True)
class Kind(Condition):
    """Nothing at all. With `by`, each group that was seen before is judged by itself."""

    head = "none"
    tail = rf" in (?P<period>{PERIOD})"
    example = "none where service:backup in 26 h"
    remembers = True

    limit: Limit
    windows: tuple[int, ...]

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of a period."""
        return cls(Limit("<", 1.0), (minutes(words["period"]),))

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Finds the groups without a row."""
        rows = sums[0].sum(axis=1)
        return Verdict(rows.astype(float), rows == 0, rows)

    def render(self, value: float, n: float) -> str:
        """Says for how long there was nothing."""
        return f"no row in {span(self.windows[0])}"
