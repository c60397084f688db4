"""The contract of detectors: what each is given, returns and keeps; and their registry. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from anomaly.engine.columns import Array, Bools, Columns, Field, Floats, Ints
from anomaly.engine.config import Config

UP, DOWN = "up", "down"
# How a row learns from a minute: as usual, little (in an incident), or anew from the last minutes
# (what was an incident is the new level).
LEARN, HOLD, RELEARN = 0, 1, 2
# The minutes that are judged together.
SPAN = 5
# Before so many minutes nothing is winsorized.
FIRST = 10


@dataclass(frozen=True)
class Seen:
    """One closed minute of all keys. Every array has the shape (keys,), a row a key.

    `at` is in minutes since the epoch; `requests`, `client_errors` and `server_errors` are counts
    of this minute; `log_p95` is the natural logarithm of the 95th percentile of latency in ms, NaN
    where nothing was timed, and `timed` how many requests were. `warm` rows are old enough to be
    judged.
    """

    at: int
    requests: Floats
    client_errors: Floats
    server_errors: Floats
    log_p95: Floats
    timed: Floats
    warm: Bools


@dataclass(frozen=True)
class Judged:
    """The rows of a minute that may be a breach of one measure, in one direction.

    Every array has the shape (n,): `rows` are n row numbers of `Seen`, the others belong to them.
    `surprise` is U = -log10 of the chance, 0 to 50. `holds` says whether every gate is passed,
    without which a breach opens no incident; `critical` breaches are critical whatever their U.
    `observed`, `expected` and the band from `lower` to `upper` (98 of 100 such values lie in it)
    are in the unit of the measure; `n` is how many requests or minutes they rest on.
    """

    measure: str
    direction: str
    rows: Ints
    surprise: Floats
    holds: Bools
    critical: Bools
    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    n: Floats


class Observation(NamedTuple):
    """Some rows after a minute, alarming or not: as in `Judged`, each of the shape (rows,)."""

    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    n: Floats


class Detector(ABC):
    """Keeps one row of state for each key; `step` judges a minute, then learns from it.

    A minute is judged by the baseline of the minutes before it. `fields` are the columns of the
    state. In the directions of `bursts` bursts are ordinary, so a key that often nearly alerts must
    surprise more (see `burstiness`).
    """

    measure: ClassVar[str]
    directions: ClassVar[tuple[str, ...]] = (UP,)
    bursts: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, Field]]

    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = Columns(**self.fields)

    @abstractmethod
    def step(self, seen: Seen, learning: Array) -> list[Judged]:
        """Judges a minute: returns one `Judged` for each direction.

        `learning` has the shape (keys,), and says how each row learns (LEARN, HOLD or RELEARN).
        """

    @abstractmethod
    def excess(self, rows: Ints) -> Floats:
        """Returns how far these rows are from the expected, in units that add up."""

    @abstractmethod
    def observe(self, rows: Ints) -> Observation:
        """Returns what these rows did in the last minutes, and what was expected."""

    @abstractmethod
    def clear(self) -> None:
        """Forgets the last minutes: before the next one lies a stretch without data."""


class SeasonalDetector(Detector):
    """One from whose `totals` the usual range of each hour of the week is learned."""

    @abstractmethod
    def totals(self) -> Floats:
        """Returns the values that seasonality is learned from, of the shape (keys,)."""


# The detectors of each method, in the order in which they judge.
METHODS: dict[str, list[type[Detector]]] = {}


def detector(method: str) -> Callable[[type[Detector]], type[Detector]]:
    """Registers a class as a detector of a method. Raises ValueError where its name is taken."""

    def register(one: type[Detector]) -> type[Detector]:
        others = METHODS.setdefault(method, [])
        if one.__name__ in {other.__name__ for other in others}:
            raise ValueError(f"two detectors are called {one.__name__}")
        others.append(one)
        return one

    return register


def push(ring: Array, values: Floats) -> Floats:
    """Appends a minute to each row's last minutes, in place. Returns the minute that drops out.

    `ring` has the shape (keys, minutes), oldest first; `values` and the result have the shape
    (keys,).
    """
    out = np.array(ring[:, 0], float)
    ring[:, :-1] = ring[:, 1:]
    ring[:, -1] = values
    return out


def follow(level: Array, values: Floats, weight: Floats | float, where: Bools) -> None:
    """Move a level towards values, in place: an EWMA (exponentially weighted moving average)."""
    level += np.where(where, weight * (np.where(where, values, 0.0) - level), 0.0)


def winsorized(values: Floats, middle: Floats, reach: Floats) -> Floats:
    """Returns the values, limited to at most `reach` from the middle. All have the same shape."""
    return np.asarray(np.minimum(np.maximum(values, middle - reach), middle + reach))


def reach(learning: Array, learned: Array, usual: float, in_incident: float) -> Floats:
    """Returns how many deviations a value may count: fewer in an incident, any at first."""
    return np.where(learned < FIRST, 1e12, np.where(learning == HOLD, in_incident, usual))


def band(mean: Floats, variance: Floats, z: float = 2.326) -> tuple[Floats, Floats]:
    """Returns the limits that 98 of 100 values lie between, as a gamma (Wilson and Hilferty)."""
    mean = np.maximum(mean, 1e-9)
    shape = np.maximum(mean * mean / np.maximum(variance, 1e-12), 1e-3)
    middle, wide = 1 - 1 / (9 * shape), z / (3 * np.sqrt(shape))
    low, high = (mean * np.maximum(middle + s * wide, 0.0) ** 3 for s in (-1, 1))
    return low, high
