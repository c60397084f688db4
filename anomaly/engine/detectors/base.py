"""What every detector sees, says and keeps. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from anomaly.engine.arrays import Array, Bools, Floats, Ints
from anomaly.engine.config import Config
from anomaly.engine.state import Columns, Field

UP, DOWN = "up", "down"
# Learning of a key: as usual, in an incident (little), anew (the level of now is the new one).
CALM, HELD, ANEW = 0, 1, 2
# The minutes that are judged together.
SPAN = 5
# Before so many minutes nothing is cut off while learning.
FIRST = 10
_CHUNK = 512


@dataclass(frozen=True)
class Seen:
    """One minute of all keys, a row each: requests, errors, the log of p95 and of how many."""

    at: int
    requests: Floats
    client_errors: Floats
    server_errors: Floats
    log_p95: Floats
    timed: Floats
    warm: Bools


@dataclass(frozen=True)
class Judged:
    """Some rows of a minute by one measure in one direction; the rest did not surprise."""

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


class Look(NamedTuple):
    """Some rows after a minute: seen, expected, the band of no surprise, and of how many."""

    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    n: Floats


class Detector(ABC):
    """State a row a key; `step` judges a minute against what was learned before, then learns."""

    measure: ClassVar[str]
    directions: ClassVar[tuple[str, ...]] = (UP,)
    # In which of them bursts are in the nature of the thing (see restless).
    bursts: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, Field]]

    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = Columns(**self.fields)

    @abstractmethod
    def step(self, seen: Seen, mood: Array) -> list[Judged]:
        """Judge a minute; `mood` says for each row how to learn from it."""

    @abstractmethod
    def excess(self, rows: Ints) -> Floats:
        """How far these rows are over (or under) what was expected, in units that add up."""

    @abstractmethod
    def look(self, rows: Ints) -> Look:
        """What these rows did in the last minute, and what was expected: also where all is well."""

    @abstractmethod
    def clear(self) -> None:
        """Forget the last minutes: a stretch without data lies between them and the next."""


def pushed(ring: Array, values: Floats) -> Floats:
    """Put a minute at the end of each row's last minutes; the one that falls out."""
    out = np.array(ring[:, 0], float)
    ring[:, :-1] = ring[:, 1:]
    ring[:, -1] = values
    return out


def follow(level: Array, values: Floats, weight: Floats | float, where: Bools) -> None:
    """Move a level towards values, in place, where told."""
    level += np.where(where, weight * (np.where(where, values, 0.0) - level), 0.0)


def clipped(values: Floats, middle: Floats, reach: Floats) -> Floats:
    """Values no further than `reach` from the middle."""
    return np.asarray(np.minimum(np.maximum(values, middle - reach), middle + reach))


def reach(mood: Array, learned: Array, calm: float, held: float) -> Floats:
    """How many standard deviations a value may count: fewer in an incident, any at first."""
    return np.where(learned < FIRST, 1e12, np.where(mood == HELD, held, calm))


def tail(of: Callable[..., Floats], rows: Ints, *columns: Floats) -> Floats:
    """A tail of `surprise` for some rows, a few at a time: each takes a matrix of terms."""
    parts = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    return np.concatenate([np.zeros(0), *(of(*(c[part] for c in columns)) for part in parts)])


def band(mean: Floats, variance: Floats, z: float = 2.326) -> tuple[Floats, Floats]:
    """Between which two values 98 of 100 such values lie, as a gamma (Wilson and Hilferty)."""
    mean = np.maximum(mean, 1e-9)
    shape = np.maximum(mean * mean / np.maximum(variance, 1e-12), 1e-3)
    middle, wide = 1 - 1 / (9 * shape), z / (3 * np.sqrt(shape))
    low, high = (mean * np.maximum(middle + s * wide, 0.0) ** 3 for s in (-1, 1))
    return low, high
