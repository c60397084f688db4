"""The plain method, for comparison: z of a minute against the window before it. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from anomaly.engine.columns import Array, Field, Floats, Ints
from anomaly.engine.detector import DOWN, UP, Detector, Judged, Observation, Seen, detector

# The longest window; a shorter one uses the end of it.
LONGEST = 240


class Zscore(Detector):
    """Alerts where z is over its limit. U is z scaled so that the limit opens an incident."""

    directions: ClassVar[tuple[str, ...]] = (UP,)
    fields: ClassVar[dict[str, Field]] = {"last": Field(np.nan, width=LONGEST)}

    @abstractmethod
    def value(self, seen: Seen) -> Floats:
        """The measured value of this minute, of the shape (keys,); NaN where there is none."""

    def step(self, seen: Seen, learning: Array) -> list[Judged]:
        """Judges one minute by the window before it."""
        config, now = self.config.zscore, self.value(seen)
        last = self.state["last"][:, -config.window :]
        known = np.isfinite(last)
        n = known.sum(axis=1)
        values = np.where(known, last, 0.0)
        mean = values.sum(axis=1) / np.maximum(n, 1)
        with np.errstate(over="ignore"):
            squares = (last - mean[:, None]) ** 2
        variance = np.where(known, squares, 0.0).sum(axis=1)
        deviation = np.sqrt(variance / np.maximum(n, 1))
        ready = seen.warm & (n >= config.window // 2) & np.isfinite(now) & (deviation > 0)
        z = np.where(ready, (now - mean) / np.where(deviation > 0, deviation, 1.0), 0.0)
        self.state["last"][:, :-1] = self.state["last"][:, 1:]
        self.state["last"][:, -1] = now
        return list(self._judged(now, mean, deviation, z))

    def excess(self, rows: Ints) -> Floats:
        """Returns the last value minus the mean of the window."""
        last = self.state["last"][rows]
        known = np.isfinite(last)
        mean = np.where(known, last, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.asarray(np.nan_to_num(last[:, -1] - mean))

    def observe(self, rows: Ints) -> Observation:
        """Returns the last value, and mean and band of the window before it."""
        config, last = self.config.zscore, self.state["last"][rows]
        before = last[:, -config.window - 1 : -1]
        n = np.maximum(np.isfinite(before).sum(axis=1), 1)
        mean = np.nansum(before, axis=1) / n
        off = np.where(np.isfinite(before), before - mean[:, None], 0.0)
        far = config.limit * np.sqrt((off**2).sum(axis=1) / n)
        return Observation(last[:, -1], mean, mean - far, mean + far, np.ones(len(rows)))

    def clear(self) -> None:
        """Forgets the window and starts a new one."""
        self.state["last"][:] = np.nan

    def _judged(self, now: Floats, mean: Floats, deviation: Floats, z: Floats) -> Iterator[Judged]:
        scale, limit = self.config.incidents.open, self.config.zscore.limit
        for direction in self.directions:
            far = z if direction == UP else -z
            rows = np.flatnonzero(far * scale / limit >= self.config.incidents.stay)
            low, high = mean - limit * deviation, mean + limit * deviation
            columns = [c[rows] for c in (now, mean, low, high, np.ones(len(now)))]
            yes, no = np.ones(len(rows), bool), np.zeros(len(rows), bool)
            found = np.minimum(far[rows] * scale / limit, 50.0)
            yield Judged(self.measure, direction, rows, found, yes, no, *columns)


@detector("zscore")
class PlainTraffic(Zscore):
    """Judges the requests of a minute."""

    measure = "traffic"
    directions: ClassVar[tuple[str, ...]] = (UP, DOWN)

    def value(self, seen: Seen) -> Floats:
        return seen.requests


@detector("zscore")
class PlainClientErrors(Zscore):
    """Judges the share of requests of a minute that were answered 4xx."""

    measure = "client_errors"

    def value(self, seen: Seen) -> Floats:
        return np.asarray(seen.client_errors / np.maximum(seen.requests, 1.0))


@detector("zscore")
class PlainServerErrors(Zscore):
    """Judges the share of requests of a minute that were answered 5xx."""

    measure = "server_errors"

    def value(self, seen: Seen) -> Floats:
        return np.asarray(seen.server_errors / np.maximum(seen.requests, 1.0))


@detector("zscore")
class PlainLatency(Zscore):
    """Judges the 95th percentile of latency in ms."""

    measure = "latency"

    def value(self, seen: Seen) -> Floats:
        """Returns the p95 of the minute in ms; NaN where nothing was timed."""
        return np.exp(np.minimum(seen.log_p95, 690.0))
