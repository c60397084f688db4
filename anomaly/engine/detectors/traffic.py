"""Judges request counts: five minutes against a baseline that lags behind them. Pure."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from anomaly.engine import surprise
from anomaly.engine.columns import Array, Bools, Field, Floats, Ints
from anomaly.engine.detector import (
    DOWN,
    HOLD,
    RELEARN,
    SPAN,
    UP,
    Judged,
    Observation,
    SeasonalDetector,
    Seen,
    band,
    detector,
    follow,
    push,
    reach,
    winsorized,
)

# Expected requests below which over-dispersion cannot be told.
_FEW = 5.0


@detector("surprise")
class Traffic(SeasonalDetector):
    """Judges spikes, drops and silence by negative-binomial tails with learned over-dispersion."""

    measure = "traffic"
    directions = (UP, DOWN)
    bursts = (UP,)
    fields: ClassVar[dict[str, Field]] = {
        "last": Field(np.nan, width=SPAN),
        "level": Field(),
        "learned": Field(0, "i4"),
        "judged": Field(0, "i4"),
        "extra": Field(),
        "scale": Field(),
        "quiet": Field(0, "i4"),
    }

    def step(self, seen: Seen, learning: Array) -> list[Judged]:
        """Judges the sum of the last five minutes, then learns."""
        self._push(seen.requests, learning)
        total = self.totals()
        expected = SPAN * self.state["level"]
        size = self._size(expected)
        ready = seen.warm & ~np.isnan(self.state["last"][:, 0])
        found = [
            self._spikes(ready, learning, total, expected, size),
            self._drops(ready, learning, total, expected, size),
        ]
        self._learn_dispersion(learning, total, expected, size, ready)
        return found

    def totals(self) -> Floats:
        """Returns the requests of the last five minutes, of the shape (keys,)."""
        return np.asarray(np.nansum(self.state["last"], axis=1))

    def excess(self, rows: Ints) -> Floats:
        """Returns the requests over the expected in the last five minutes."""
        return np.asarray((self.totals() - SPAN * self.state["level"])[rows])

    def observe(self, rows: Ints) -> Observation:
        """Returns the requests of five minutes, the expected ones, and their band."""
        total, expected = self.state["last"].sum(axis=1), SPAN * self.state["level"]
        low, high = band(expected, expected + expected**2 / self._size(expected))
        five = np.full(len(total), float(SPAN))
        return Observation(*(column[rows] for column in (total, expected, low, high, five)))

    def absence(self, row: int, minutes: int) -> tuple[float, float]:
        """Returns U of no request in so many minutes, and the requests that were expected."""
        level = self.state["level"][row]
        size = float(self._size(SPAN * self.state["level"])[row])
        nothing = size * math.log1p(level * minutes / size) / math.log(10)
        return min(nothing, surprise.CAP), float(level * minutes)

    def clear(self) -> None:
        """Forgets the last minutes; judges again after five minutes of data."""
        self.state["last"][:] = np.nan
        self.state["quiet"][:] = 0

    def _push(self, requests: Floats, learning: Array) -> None:
        config, level, learned = self.config.traffic, self.state["level"], self.state["learned"]
        self.state["quiet"][:] = np.where(requests > 0, 0, self.state["quiet"] + 1)
        left = push(self.state["last"], requests)
        sound = ~np.isnan(left)
        base = np.maximum(level, 1.0)
        deviation = np.sqrt(base + base * base / self._size(SPAN * level))
        far = reach(learning, learned, config.winsor, config.incident_winsor) * deviation
        weight = np.maximum(config.level_weight, 1 / (learned + 1.0))
        follow(level, winsorized(left, level, far), weight, sound)
        learned += sound
        anew = learning == RELEARN
        level[anew] = np.nanmean(self.state["last"][anew], axis=1) if anew.any() else 0.0

    def _size(self, expected: Floats) -> Floats:
        """Returns the negative binomial's size: 1 / over-dispersion, whose prior fades."""
        config, state = self.config.traffic, self.state
        fading = config.prior_minutes / (config.prior_minutes + state["judged"])
        prior = _FEW**2 + expected**2 * fading
        dispersion = (state["extra"] + config.dispersion_prior * prior) / (state["scale"] + prior)
        return np.asarray(1 / np.clip(dispersion, config.dispersion_least, 1e3))

    def _learn_dispersion(
        self, learning: Array, total: Floats, expected: Floats, size: Floats, ready: Bools
    ) -> None:
        config, state = self.config.traffic, self.state
        deviation = np.sqrt(expected + expected**2 / size)
        far = np.where(learning == HOLD, config.incident_winsor, config.winsor) * deviation
        off = winsorized(total, expected, far) - expected
        weight = np.maximum(config.dispersion_weight, 1 / (state["judged"] + 1.0))
        follow(state["extra"], off * off - expected, weight, ready)
        follow(state["scale"], expected * expected, weight, ready)
        state["judged"][:] += ready

    def _spikes(
        self, ready: Bools, learning: Array, total: Floats, expected: Floats, size: Floats
    ) -> Judged:
        config = self.config.traffic
        high = (total >= config.spike_ratio * expected) & (total >= expected + config.spike_more)
        far = (total - expected) ** 2 >= 6.25 * (expected + expected**2 / size)
        rows = np.flatnonzero(ready & far & (total > expected) & (high | (learning == HOLD)))
        found = surprise.counts_up(total[rows], expected[rows], size[rows])
        none = np.zeros(len(rows), bool)
        return self._judged(UP, rows, found, high[rows], none, total, expected, size)

    def _drops(
        self, ready: Bools, learning: Array, total: Floats, expected: Floats, size: Floats
    ) -> Judged:
        config, quiet = self.config.traffic, self.state["quiet"]
        low = (total <= config.drop_ratio * expected) & (expected >= config.drop_least)
        low &= quiet < config.silence_known
        rows = np.flatnonzero(ready & (total < expected) & (low | (learning == HOLD)))
        found = surprise.counts_down(total[rows], expected[rows], size[rows])
        silent = np.minimum(quiet, SPAN)[rows] / SPAN * expected[rows]
        nothing = size[rows] * np.log1p(silent / size[rows]) / math.log(10)
        found = np.minimum(np.maximum(found, nothing), surprise.CAP)
        critical = quiet[rows] >= config.silent_minutes
        return self._judged(DOWN, rows, found, low[rows], critical, total, expected, size)

    def _judged(
        self,
        direction: str,
        rows: Ints,
        found: Floats,
        holds: Bools,
        critical: Bools,
        total: Floats,
        expected: Floats,
        size: Floats,
    ) -> Judged:
        total, expected, size = total[rows], expected[rows], size[rows]
        low, high = band(expected, expected + expected**2 / size)
        n = np.full(len(rows), float(SPAN))
        return Judged(
            self.measure, direction, rows, found, holds, critical, total, expected, low, high, n
        )
