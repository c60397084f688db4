"""A percentile of a number: `p95 of response_time where service:cart > 800 ms in 5 min`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.engine.columns import Ints
from anomaly.engine.histogram import bucket_of, value_of
from anomaly.rules.condition import (
    BOUND,
    Condition,
    Limit,
    Slots,
    Verdict,
    Words,
    limit,
    minutes,
    number,
    span,
)
from lakehouse.query.search import fields
from lakehouse.query.search.fields import Field
from lakehouse.query.search.fields import Kind as Is
from lakehouse.tables.measures import LEAST_MS

# The least bucket, and how many there are: up to 10^15.
LEAST = bucket_of(LEAST_MS)
WIDTH = bucket_of(1e15) - LEAST + 1
UNITS = {"": 1.0, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Kind(Condition):
    """A percentile by a histogram: within 1 % of the exact one, the same from minutes and rows."""

    head = r"p(?P<percent>\d\S*) of (?P<field>\S+)"
    tail = BOUND.replace(" in ", "(?: (?P<unit>ms|s))? in ", 1)
    example = "p95 of response_time where service:checkout > 800 ms in 5 min"

    limit: Limit
    windows: tuple[int, ...]
    percent: float
    field: Field

    @classmethod
    def of(cls, words: Words) -> Kind:
        """Makes it of a percentile, a field, a bound and a period."""
        bound, percent = limit(words), number(words["percent"])
        if not 0 < percent < 100:
            raise ValueError(f"p{words['percent'][:20]} is no percentile: write p50, p95 or p99.9")
        found = fields.field(words["field"])
        if found is None or found.kind not in (Is.NUMBER, Is.LENGTH):
            what = f"{words['field'][:60]} has no percentiles"
            raise ValueError(f"{what}: name a column of numbers, as response_time or bytes_sent")
        bound = Limit(bound.op, bound.value * UNITS[words["unit"] or ""])
        return cls(bound, (minutes(words["period"]),), percent, found)

    @property
    def slots(self) -> Slots:
        """The buckets of the field."""
        return Slots(buckets=self.field)

    def judge(self, sums: Sequence[Ints], first: int = 0) -> Verdict:
        """Compares the percentile; without rows there is none."""
        upto = sums[0].cumsum(axis=1)
        rows = upto[:, -1]
        wanted = np.maximum(np.ceil(rows * self.percent / 100), 1)
        bucket = (upto < wanted[:, None]).sum(axis=1) + first
        value = np.where(rows > 0, value_of(bucket + LEAST), np.nan)
        return Verdict(value, self.limit.holds(value), rows)

    def render(self, value: float, n: float) -> str:
        """Says what it was, and of how many rows."""
        of = f"p{self.percent:g} of {self.field.name}"
        return (
            f"{of} {value:,.4g} of {n:,.0f} rows in {span(self.windows[0])} {self.limit.render()}"
        )
