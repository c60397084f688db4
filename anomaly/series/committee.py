"""Counts the votes of all statistics, and makes the score and the pause of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from anomaly.engine.columns import Array, Floats
from anomaly.engine.config import Score as Constants
from anomaly.series.statistic import Statistics

_NEVER = -(1 << 40)


class Committee:
    """All statistics with their votes and two ranges each: one kept for ever, one that shrinks."""

    def __init__(self, config: Constants) -> None:
        self.config, self._statistics, self._row = config, Statistics(), 0
        self._forget = np.array([0.0, config.forget])
        self._margins = np.array(config.margins)
        self._high = self._low = self._ripe = self._voted = self._weight = np.zeros(0)

    def take(self, seconds: float | None, value: float) -> float:
        """Adds one row. Returns the share of families that vote, each counted once."""
        families = self._statistics.take(seconds, value)
        if not self._row:
            self._seat(families)
        self._row += 1
        now = np.concatenate(list(families.values()))[:, None]
        self._vote(now)
        self._remember(now)
        active = self._row - self._voted < self.config.hold
        return float(active.sum(axis=(1, 2)) @ self._weight)

    def _seat(self, families: dict[str, Floats]) -> None:
        sizes = [len(one) for one in families.values()]
        voters = 2 * len(self._margins)
        self._weight = np.repeat([1 / (len(sizes) * size * voters) for size in sizes], sizes)
        seats = sum(sizes)
        self._high, self._low = np.full((seats, 2), -np.inf), np.full((seats, 2), np.inf)
        self._ripe = np.zeros((seats, 1))
        self._voted = np.full((seats, 2, len(self._margins)), _NEVER)

    def _vote(self, now: Array) -> None:
        with np.errstate(all="ignore"):
            reach = self._margins * (self._high - self._low)[:, :, None]
            left = now[:, :, None] > self._high[:, :, None] + reach
        ripe = (self._ripe >= self.config.warm_rows)[:, :, None]
        rested = self._row - self._voted > self.config.rest
        self._voted = np.where(left & ripe & rested, self._row, self._voted)

    def _remember(self, now: Array) -> None:
        known = np.isfinite(now)
        self._high = np.where(known, np.maximum(self._high, now), self._high)
        self._low = np.where(known, np.minimum(self._low, now), self._low)
        with np.errstate(all="ignore"):
            reach = self._high - self._low
            self._high = np.where(reach > 0, self._high - self._forget * reach / 2, self._high)
        # what never moved has no range to leave: it starts to count when it first moves
        self._ripe += known & (reach[:, :1] > 0)


class Score:
    """Gives each row a score from 0 to 1; 0.5 and above is an alert."""

    def __init__(self, config: Constants) -> None:
        self.config, self._committee = config, Committee(config)
        self._rows, self._alerted = 0, _NEVER

    def take(self, seconds: float | None, value: float) -> float:
        """Returns the score of one row, from it and the rows before it."""
        if not np.isfinite(value):
            return 0.0
        share = self._committee.take(seconds, value)
        self._rows += 1
        score = min(0.5 * share / self.config.votes, 1.0)
        if score < 0.5:
            return score
        if self._rows - self._alerted <= self.config.pause:
            return 0.49
        self._alerted = self._rows
        return score


def alerting(shares: Iterable[float], votes: float, pause: int) -> Iterator[float]:
    """Yields the scores for shares that are known already, to try other constants."""
    alerted = _NEVER
    for row, share in enumerate(shares):
        score = min(0.5 * share / votes, 1.0)
        if score >= 0.5 and row - alerted <= pause:
            score = 0.49
        elif score >= 0.5:
            alerted = row
        yield score
