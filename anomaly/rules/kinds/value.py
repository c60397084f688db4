"""What a statement of SQL answers: `value > 20 in 5 min`, with `query = "SELECT ..."`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.engine.columns import Ints
from anomaly.rules.condition import (
    Condition,
    Limit,
    Slots,
    Verdict,
    Words,
    limit,
    minutes,
    share,
    span,
)

# Values are counted in millionths, as whole numbers; further away ones count as the farthest.
SCALE, MOST = 1_000_000, 10**12
HOUR = 60


@dataclass(frozen=True)
class Kind(Condition):
    """The statement is asked at the end of each period, of the rows of that period alone.

    Its answer stands until the next one; periods begin with the hour.
    """

    head = "value"
    example = "value > 20 in 5 min"

    limit: Limit
    windows: tuple[int, ...]

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of a bound and a period."""
        length = minutes(words["period"])
        if HOUR % length:
            raise ValueError(
                f"{words['period']} is no part of an hour: write 1, 5, 10, 30 or 60 min"
            )
        return cls(limit(words), (length,))

    @property
    def slots(self) -> Slots:
        """The value, and that there was one."""
        return Slots(is_answered=True)

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Compares the last answer; a group that it did not have has no value."""
        answers = sums[0][:, 1]
        value = np.round(share(sums[0][:, 0], answers) / SCALE, 6)
        return Verdict(value, self.limit.holds(value), answers)

    def render(self, value: float, n: float) -> str:
        """Says what the answer was."""
        return f"value {value:,.6g} in {span(self.windows[0])} {self.limit.render()}"
