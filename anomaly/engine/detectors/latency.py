"""Judges the 95th percentile of latency, on a log scale, against its baseline. Pure."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from anomaly.engine import surprise
from anomaly.engine.columns import Array, Bools, Field, Floats, Ints
from anomaly.engine.detector import (
    HOLD,
    RELEARN,
    SPAN,
    UP,
    Detector,
    Judged,
    Observation,
    Seen,
    detector,
    follow,
    push,
    reach,
    winsorized,
)


@detector("surprise")
class Latency(Detector):
    """Judges by a tail of Student's t; its variance is learned as a multiple of tau + s2 / n."""

    measure = "latency"
    fields: ClassVar[dict[str, Field]] = {
        "values": Field(np.nan, width=SPAN),
        "counts": Field(0.0, width=SPAN),
        "level": Field(),
        "spread": Field(1.0),
        "learned": Field(0, "i4"),
    }

    def step(self, seen: Seen, learning: Array) -> list[Judged]:
        """Judges the weighted log p95 of the last five minutes, then learns."""
        self._push(seen.log_p95, seen.timed, learning)
        now, n = self._now()
        ready = seen.warm & (n > 0) & (self.state["learned"] >= SPAN)
        level, variance = self.state["level"].copy(), self._variance(n)
        found = self._judge(ready, learning, now, n, level, np.sqrt(variance))
        self._learn_spread(learning, now - level, variance, ready)
        return [found]

    def excess(self, rows: Ints) -> Floats:
        """Returns the requests times how much slower than the baseline they are."""
        now, n = self._now()
        slower = np.where(n > 0, np.maximum(now - self.state["level"], 0.0), 0.0)
        return np.asarray((n * slower)[rows])

    def observe(self, rows: Ints) -> Observation:
        """Returns the p95 of five minutes in ms, the expected one, and its band."""
        now, n = (column[rows] for column in self._now())
        level, deviation = self.state["level"][rows], np.sqrt(self._variance(self._now()[1]))[rows]
        far = 2.326 * deviation
        logs = (np.where(n > 0, now, np.nan), level, level - far, level + far)
        seen, expected, low, high = (np.exp(np.minimum(column, 690.0)) for column in logs)
        return Observation(seen, expected, low, high, n)

    def clear(self) -> None:
        """Forgets the last minutes; judges again once there is data."""
        self.state["values"][:], self.state["counts"][:] = np.nan, 0.0

    def _now(self) -> tuple[Floats, Floats]:
        values, counts = self.state["values"], self.state["counts"]
        config = self.config.latency
        weight = counts / (config.tau_prior * counts + config.s2_prior)
        total = weight.sum(axis=1)
        summed = (np.where(counts > 0, values, 0.0) * weight).sum(axis=1)
        return np.where(total > 0, summed / np.maximum(total, 1e-12), 0.0), counts.sum(axis=1)

    def _variance(self, n: Floats) -> Floats:
        config = self.config.latency
        shape = config.tau_prior + config.s2_prior / np.maximum(n, 1.0)
        return np.maximum(self.state["spread"] * shape, config.tau_least)

    def _push(self, values: Floats, counts: Floats, learning: Array) -> None:
        config, level, learned = self.config.latency, self.state["level"], self.state["learned"]
        sound = (counts > 0) & np.isfinite(values)
        left, of = push(self.state["values"], values), self.state["counts"][:, 0].copy()
        push(self.state["counts"], np.where(sound, counts, 0.0))
        known = (of > 0) & np.isfinite(left)
        far = reach(learning, learned, config.winsor, config.incident_winsor) * np.sqrt(
            self._variance(of)
        )
        # a minute counts by how well its own p95 is known
        trust = of / (of + config.s2_prior / config.tau_prior)
        weight = np.maximum(config.level_weight * 2 * trust, 1 / (learned + 1.0))
        follow(level, winsorized(left, level, far), weight, known)
        learned += known
        anew = (learning == RELEARN) & (self.state["counts"].sum(axis=1) > 0)
        level[anew] = self._now()[0][anew]

    def _learn_spread(self, learning: Array, off: Floats, variance: Floats, ready: Bools) -> None:
        config = self.config.latency
        most = np.where(learning == HOLD, config.incident_winsor, config.winsor) ** 2
        squared = np.minimum(off * off / variance, most) * self.state["spread"]
        follow(self.state["spread"], squared, config.variance_weight, ready)

    def _judge(
        self,
        ready: Bools,
        learning: Array,
        now: Floats,
        n: Floats,
        level: Floats,
        deviation: Floats,
    ) -> Judged:
        config, usual = self.config.latency, np.exp(np.minimum(level, 690.0))
        observed = np.exp(np.minimum(now, 690.0))
        slow = (observed >= config.ratio * usual) & (observed >= usual + config.more_ms)
        far = (observed >= config.far_ratio * usual) & (observed >= usual + config.far_more_ms)
        holds = (n >= config.requests_least) & (slow | far)
        z = (now - level) / deviation
        rows = np.flatnonzero(ready & (z > 2) & (holds | (learning == HOLD)))
        found = surprise.distance_up(z[rows], config.freedom)
        low, high = (np.exp(np.minimum(level + s * 2.326 * deviation, 690.0)) for s in (-1, 1))
        columns = (c[rows] for c in (observed, usual, low, high, n))
        return Judged(
            self.measure, UP, rows, found, holds[rows], np.zeros(len(rows), bool), *columns
        )
