"""Rates to inject into: synthetic keys of a shop, or counts that were given. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from anomaly.engine.arrays import Floats, Ints

DAY = 1440


@dataclass(frozen=True)
class Rates:
    """Requests a minute, a column a key; NaN where a key is over already.

    `trouble` are first and last minutes, by key, of what is known to be no ordinary traffic.
    """

    names: Sequence[str]
    requests: Floats
    trouble: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def busy(self) -> Floats:
        """The median requests a minute of each key."""
        return np.asarray(np.nanmedian(self.requests, axis=0))


def synthetic(keys: int, days: float, seed: int) -> Rates:
    """Keys from 2 to 2,000 requests a minute, over a daily curve that wanders, Poisson on top."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(round(days * DAY))
    level = np.exp(rng.uniform(np.log(2), np.log(2000), keys))
    phase, depth = rng.uniform(0, 2 * np.pi, keys), rng.uniform(0.1, 0.7, keys)
    curve = 1 + depth * np.sin(2 * np.pi * minutes[:, None] / DAY + phase)
    wander = _wander(rng, len(minutes), keys, rng.uniform(0.02, 0.15, keys))
    names = [f"synthetic-{i:02d}" for i in range(keys)]
    return Rates(names, rng.poisson(level * curve * wander).astype(float))


def given(
    series: Mapping[str, Sequence[float]],
    trouble: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> Rates:
    """Counts a row as requests a minute; shorter keys end earlier. `trouble` is known, by name."""
    longest = max(len(one) for one in series.values())
    requests = np.full((longest, len(series)), np.nan)
    for column, one in enumerate(series.values()):
        requests[: len(one), column] = np.round(np.maximum(one, 0))
    known = trouble or {}
    return Rates(list(series), requests, {i: known.get(name, ()) for i, name in enumerate(series)})


def failures(requests: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Errors of each minute, of a share that wanders; and that share."""
    keys = requests.shape[1]
    share = np.exp(rng.uniform(np.log(0.002), np.log(0.04), keys))
    share = np.minimum(share * _wander(rng, len(requests), keys, np.full(keys, 0.25)), 0.3)
    return rng.binomial(np.nan_to_num(requests).astype(np.int64), share), share


def _wander(rng: np.random.Generator, minutes: int, keys: int, width: Floats) -> Floats:
    """A slow walk around one: the log forgets half in about an hour."""
    kept, walk = 0.99, np.zeros((minutes, keys))
    steps = rng.normal(0, np.sqrt(1 - kept**2), (minutes, keys))
    for i in range(1, minutes):
        walk[i] = kept * walk[i - 1] + steps[i]
    return np.asarray(np.exp(width * walk))
