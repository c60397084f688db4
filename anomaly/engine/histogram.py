"""Latency as a mergeable log-bucketed histogram (as DDSketch): quantiles are right to 1 %. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from anomaly.engine.columns import Array, Floats, Ints
from lakehouse.tables.measures import GROWTH, LEAST_MS, SHIFT

_LOG_GROWTH = math.log(GROWTH)
_MOST = math.log(1e308)  # the same limit as in SQL


def bucket_of(value: float) -> int:
    """Returns the bucket of a value in ms; values below 0.01 count as 0.01."""
    return math.floor(math.log(max(value, LEAST_MS)) / _LOG_GROWTH + SHIFT)


def buckets_of(values: Floats) -> Ints:
    """Returns the bucket of each value, as `bucket_of`."""
    logs = np.log(np.maximum(values, LEAST_MS)) / _LOG_GROWTH
    return np.floor(logs + SHIFT).astype(np.int64)


def value_of(bucket: Array) -> Floats:
    """Returns the value in ms that stands for a bucket, at most 1 % from any value in it."""
    middle = math.log(2 * GROWTH / (1 + GROWTH))
    exponent = (np.asarray(bucket, float) - SHIFT) * _LOG_GROWTH + middle
    return np.asarray(np.exp(np.minimum(exponent, _MOST)))


@dataclass(frozen=True)
class Histograms:
    """Many histograms in flat arrays: row i has the entries from `start[i]` to `start[i + 1]`.

    `start` has the shape (rows + 1,); `bucket` and `count` have the shape (entries,).
    """

    start: Ints
    bucket: Ints
    count: Ints

    @classmethod
    def of(cls, each: list[Mapping[int, int]]) -> Histograms:
        """Makes them of mappings from bucket to count, one mapping a row."""
        start = np.concatenate(([0], np.cumsum([len(one) for one in each], dtype=np.int64)))
        pairs = [pair for one in each for pair in sorted(one.items())]
        flat = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(start.astype(np.int64), flat[:, 0], flat[:, 1])

    def row_of_entry(self) -> Ints:
        """Returns the row of each entry, of the shape (entries,)."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def totals(self) -> Ints:
        """Returns how many values each row counts, of the shape (rows,)."""
        summed = np.concatenate(([0], np.cumsum(self.count)))
        return np.asarray(summed[self.start[1:]] - summed[self.start[:-1]])

    def quantile(self, share: float) -> Floats:
        """Returns a quantile of each row in ms, of the shape (rows,); NaN where a row is empty."""
        row, totals = self.row_of_entry(), self.totals()
        order = np.lexsort((self.bucket, row))
        summed = np.cumsum(self.count[order])
        before = (np.cumsum(totals) - totals)[totals > 0]
        wanted = before + np.ceil(share * totals[totals > 0])
        found = np.full(len(totals), np.nan)
        found[totals > 0] = value_of(self.bucket[order][np.searchsorted(summed, wanted)])
        return found

    def first(self, rows: int) -> Histograms:
        """Returns the first so many rows."""
        end = self.start[rows]
        return Histograms(self.start[: rows + 1], self.bucket[:end], self.count[:end])

    def merged(self, group: Ints, groups: int) -> Histograms:
        """Adds up the rows of each group.

        `group` has the shape (rows,), with numbers below `groups`.
        """
        least = int(self.bucket.min(initial=0))
        wide = int(self.bucket.max(initial=0)) - least + 1
        # group and bucket as one number: numbers sort much faster than pairs
        entry = group[self.row_of_entry()] * wide + self.bucket - least
        pairs, place = np.unique(entry, return_inverse=True)
        count = np.zeros(len(pairs), np.int64)
        np.add.at(count, place.ravel(), self.count)
        start = np.searchsorted(pairs, np.arange(groups + 1) * wide)
        return Histograms(start.astype(np.int64), pairs % wide + least, count)
