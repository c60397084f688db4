"""Injects trouble into rates, and keeps the truth about where it is. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anomaly.engine.columns import Floats, Ints
from anomaly.engine.histogram import Histograms, buckets_of
from anomaly.engine.minute import Key, Minutes

DAY = 1440


@dataclass(frozen=True)
class Rates:
    """Requests a minute, of the shape (minutes, keys); NaN after the end of a key.

    `trouble` has, for each key, the first and last minutes of traffic known to be unusual.
    """

    names: Sequence[str]
    requests: Floats
    trouble: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def busy(self) -> Floats:
        """Returns the median requests a minute, of the shape (keys,)."""
        return np.asarray(np.nanmedian(self.requests, axis=0))


def synthetic(keys: int, days: float, seed: int) -> Rates:
    """Returns keys of 2 to 2,000 requests a minute: a daily curve that wanders, Poisson noise."""
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
    """Returns rates from counts by name, one row a minute; keys may have different lengths."""
    longest = max(len(one) for one in series.values())
    requests = np.full((longest, len(series)), np.nan)
    for column, one in enumerate(series.values()):
        requests[: len(one), column] = np.round(np.maximum(one, 0))
    known = trouble or {}
    return Rates(list(series), requests, {i: known.get(name, ()) for i, name in enumerate(series)})


def failures(requests: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Returns the errors of each minute, and their share, which wanders."""
    keys = requests.shape[1]
    share = np.exp(rng.uniform(np.log(0.002), np.log(0.04), keys))
    share = np.minimum(share * _wander(rng, len(requests), keys, np.full(keys, 0.25)), 0.3)
    return rng.binomial(np.nan_to_num(requests).astype(np.int64), share), share


def _wander(rng: np.random.Generator, minutes: int, keys: int, width: Floats) -> Floats:
    """Returns a slow random walk around one; its log forgets half in about an hour."""
    kept, walk = 0.99, np.zeros((minutes, keys))
    steps = rng.normal(0, np.sqrt(1 - kept**2), (minutes, keys))
    for i in range(1, minutes):
        walk[i] = kept * walk[i - 1] + steps[i]
    return np.asarray(np.exp(width * walk))


# kind: (measure, direction, the factors it is drawn from)
KINDS = {
    "spike": ("traffic", "up", (1.5, 2.0, 3.0, 5.0)),
    "drop": ("traffic", "down", (0.0, 0.2, 0.4)),
    "errors": ("server_errors", "up", (3.0, 6.0, 12.0)),
    "latency": ("latency", "up", (1.7, 2.5, 4.0)),
}
# Minutes between two episodes of a key, and before the first.
QUIET, FIRST = 360, 240
LENGTHS = (5, 20)
# The median of latency in ms, its spread on the log scale; the most values sampled a minute.
MEDIAN, SPREAD, SAMPLES = (20.0, 400.0), 0.6, 120


@dataclass(frozen=True)
class Episode:
    """Trouble of one key, from its first to its last minute."""

    key: int
    kind: str
    factor: float
    first: int
    last: int


@dataclass(frozen=True)
class Staged:
    """Rates with trouble in them, and the truth about it."""

    rates: Rates
    errors: Ints
    medians: Floats
    slowed: Floats
    episodes: list[Episode]
    seed: int


def staged(rates: Rates, seed: int) -> Staged:
    """Gives every key an episode about every six hours, of random kind and factor."""
    rng = np.random.default_rng(seed)
    episodes = [one for key in range(len(rates.names)) for one in _drawn(rates, key, rng)]
    requests = rates.requests.copy()
    for one in episodes:
        _bend(requests, one, rng)
    errors, share = failures(requests, rng)
    slowed = np.ones_like(requests)
    for one in episodes:
        where = np.s_[one.first : one.last + 1, one.key]
        if one.kind == "latency":
            slowed[where] = one.factor
        if one.kind == "errors":
            chance = np.minimum(share[where] * one.factor + 0.02, 0.95)
            errors[where] = rng.binomial(np.nan_to_num(requests[where]).astype(int), chance)
    medians = np.exp(rng.uniform(math.log(MEDIAN[0]), math.log(MEDIAN[1]), len(rates.names)))
    return Staged(replace(rates, requests=requests), errors, medians, slowed, episodes, seed)


def quiet(rates: Rates, seed: int) -> Staged:
    """Returns the same rates with usual errors and latency, and no episode."""
    rng = np.random.default_rng(seed)
    errors, _ = failures(rates.requests, rng)
    medians = np.exp(rng.uniform(math.log(MEDIAN[0]), math.log(MEDIAN[1]), len(rates.names)))
    return Staged(rates, errors, medians, np.ones_like(rates.requests), [], seed)


def _drawn(rates: Rates, key: int, rng: np.random.Generator) -> list[Episode]:
    end, at, drawn = int((~np.isnan(rates.requests[:, key])).sum()), FIRST, []
    while (at := at + int(rng.integers(QUIET // 2, QUIET * 3 // 2))) + 2 * LENGTHS[1] < end:
        kind = str(rng.choice(list(KINDS)))
        factor, length = rng.choice(KINDS[kind][2]), int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
        drawn.append(Episode(key, kind, float(factor), at, at + length - 1))
        at += length
    return drawn


def _bend(requests: Floats, one: Episode, rng: np.random.Generator) -> None:
    where = np.s_[one.first : one.last + 1, one.key]
    if one.kind == "spike":
        requests[where] += rng.poisson(requests[where] * (one.factor - 1))
    if one.kind == "drop":
        requests[where] = rng.binomial(requests[where].astype(int), one.factor)


def minutes(one: Staged) -> Iterator[Minutes]:
    """Yields the closed minutes, each with all keys as endpoints."""
    rng = np.random.default_rng(one.seed + 1)
    keys = [Key("evaluated", name) for name in one.rates.names]
    return (_minute(one, at, keys, rng) for at in range(len(one.rates.requests)))


def _minute(one: Staged, at: int, keys: list[Key], rng: np.random.Generator) -> Minutes:
    requests = np.nan_to_num(one.rates.requests[at]).astype(np.int64)
    rows = np.flatnonzero(requests)
    taken = np.minimum(requests[rows], SAMPLES)
    scale = np.repeat((one.medians * one.slowed[at])[rows], taken)
    values = scale * np.exp(rng.normal(0, SPREAD, len(scale)))
    buckets = buckets_of(values)
    start = np.concatenate(([0], np.cumsum(taken)))
    flat = Histograms(start, buckets, np.ones(len(buckets), np.int64))
    errors = one.errors[at][rows]
    return Minutes(
        at,
        [keys[i] for i in rows],
        requests[rows],
        np.zeros_like(errors),
        errors,
        flat.merged(np.arange(len(rows)), len(rows)),
    )
