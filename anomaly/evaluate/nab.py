"""The Numenta Anomaly Benchmark's scoring rule: early in a window is worth most. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.engine.arrays import Bools, Floats, Ints

THRESHOLD = 0.5
PROBATION, MOST_PROBATION = 0.15, 750


@dataclass(frozen=True)
class Profile:
    """What a false alert and a missed window cost; a window found at its start is worth one."""

    name: str
    false_alert: float
    missed: float


PROFILES = (
    Profile("standard", 0.11, 1.0),
    Profile("low FP", 0.22, 1.0),
    Profile("low FN", 0.11, 2.0),
)


@dataclass(frozen=True)
class Labelled:
    """One series: its scores row by row, and its windows as first and last row."""

    scores: Floats
    windows: Sequence[tuple[int, int]]


def normalised(series: Iterable[Labelled], profile: Profile) -> float:
    """0: nothing was ever found; 100: every window at its first row and no false alert."""
    held = list(series)
    windows = sum(len(one.windows) for one in held)
    if not windows:
        return math.nan
    raw = sum(points(one, profile) for one in held)
    nothing = -profile.missed * windows
    return 100 * (raw - nothing) / (windows - nothing)


def points(one: Labelled, profile: Profile) -> float:
    """What the alerts of one series earn and cost; rows on probation do not count."""
    probation = min(int(PROBATION * len(one.scores)), MOST_PROBATION)
    alerts = np.flatnonzero(one.scores >= THRESHOLD)
    alerts = alerts[alerts >= probation]
    inside, earned = np.zeros(len(alerts), bool), 0.0
    for first, last in one.windows:
        hit: Bools = (alerts >= first) & (alerts <= last)
        inside |= hit
        earned += _found(alerts[hit], first, last, profile)
    return earned + profile.false_alert * sum(_false(at, one) for at in alerts[~inside])


def _found(hits: Ints, first: int, last: int, profile: Profile) -> float:
    if not len(hits):
        return -profile.missed
    before_end = -(last - int(hits[0]) + 1) / (last - first + 1)
    return _sigmoid(before_end) / _sigmoid(-1.0)


def _false(at: int, one: Labelled) -> float:
    before = [(first, last) for first, last in one.windows if last < at]
    if not before:
        return -1.0
    first, last = before[-1]
    return _sigmoid((at - last) / max(last - first, 1))


def _sigmoid(position: float) -> float:
    return -1.0 if position > 3.0 else 2 / (1 + math.exp(5 * position)) - 1
