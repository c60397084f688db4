"""Latency as a mergeable histogram: buckets 2 % wide, so a quantile is right to 1 %. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from anomaly.engine.columns import Array, Floats, Ints
from lakehouse.tables.measures import GROWTH, LEAST_MS, SHIFT

_LOG_GROWTH = math.log(GROWTH)


def bucket_of(value: float) -> int:
    """The bucket of a value in ms; what is below 0.01 counts as 0.01."""
    return math.floor(math.log(max(value, LEAST_MS)) / _LOG_GROWTH + SHIFT)


def value_of(bucket: Array) -> Floats:
    """The value in ms that stands for a bucket: at most 1 % from any value in it."""
    low = np.exp((np.asarray(bucket, float) - SHIFT) * _LOG_GROWTH)
    return np.asarray(low * 2 * GROWTH / (1 + GROWTH))


@dataclass(frozen=True)
class Histograms:
    """One histogram a row, flat: row i has the entries from `start[i]` to `start[i + 1]`."""

    start: Ints
    bucket: Ints
    count: Ints

    @classmethod
    def of(cls, each: list[Mapping[int, int]]) -> Histograms:
        """From one mapping (bucket to count) a row."""
        start = np.concatenate(([0], np.cumsum([len(one) for one in each], dtype=np.int64)))
        pairs = [pair for one in each for pair in sorted(one.items())]
        flat = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(start.astype(np.int64), flat[:, 0], flat[:, 1])

    def row_of_entry(self) -> Ints:
        """For each entry the row that it is of."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def totals(self) -> Ints:
        """How many values each row counts."""
        summed = np.concatenate(([0], np.cumsum(self.count)))
        return np.asarray(summed[self.start[1:]] - summed[self.start[:-1]])

    def quantile(self, share: float) -> Floats:
        """The value at a share of each row's values in order; NaN where a row has none."""
        row, totals = self.row_of_entry(), self.totals()
        order = np.lexsort((self.bucket, row))
        summed = np.cumsum(self.count[order])
        before = (np.cumsum(totals) - totals)[totals > 0]
        wanted = before + np.ceil(share * totals[totals > 0])
        found = np.full(len(totals), np.nan)
        found[totals > 0] = value_of(self.bucket[order][np.searchsorted(summed, wanted)])
        return found

    def merged(self, group: Ints, groups: int) -> Histograms:
        """The rows of each group added up; `group` says which group each row is of."""
        least = int(self.bucket.min(initial=0))
        wide = int(self.bucket.max(initial=0)) - least + 1
        # group and bucket as one number: numbers sort much faster than pairs
        entry = group[self.row_of_entry()] * wide + self.bucket - least
        pairs, place = np.unique(entry, return_inverse=True)
        count = np.zeros(len(pairs), np.int64)
        np.add.at(count, place.ravel(), self.count)
        start = np.searchsorted(pairs, np.arange(groups + 1) * wide)
        return Histograms(start.astype(np.int64), pairs % wide + least, count)
