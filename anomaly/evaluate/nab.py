"""The scoring rule of the Numenta Anomaly Benchmark: an early alert is worth most. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly.engine.columns import Bools, Floats, Ints
from anomaly.engine.config import Score as Constants
from anomaly.series.committee import Committee, alerting

THRESHOLD = 0.5
PROBATION, MOST_PROBATION = 0.15, 750


@dataclass(frozen=True)
class Profile:
    """The costs of a false alert and of a missed window; a window found at its start is worth 1."""

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
    """One series: its scores, of the shape (rows,), and its windows as first and last row."""

    scores: Floats
    windows: Sequence[tuple[int, int]]


def normalised(series: Iterable[Labelled], profile: Profile) -> float:
    """Returns the score: 0 if nothing is found, 100 if every window is found at its first row."""
    found = list(series)
    windows = sum(len(one.windows) for one in found)
    if not windows:
        return math.nan
    raw = sum(points(one, profile) for one in found)
    nothing = -profile.missed * windows
    return 100 * (raw - nothing) / (windows - nothing)


def points(one: Labelled, profile: Profile) -> float:
    """Returns the points of one series; rows of the probation time do not count."""
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


# What cross-validation may choose from, always by the other categories alone.
VOTES, PAUSES = (0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14), (60, 100)


@dataclass(frozen=True)
class Series:
    """A series with labels; its windows are first and last rows."""

    name: str
    seconds: Sequence[float | None]
    values: Sequence[float]
    windows: Sequence[tuple[int, int]]

    @property
    def category(self) -> str:
        """The name of its folder."""
        return self.name.split("/")[0]


def shares(one: Series, config: Constants) -> Floats:
    """Returns the share of votes of every row, each from it and the rows before it."""
    committee = Committee(config)
    found = [
        committee.take(at, value) if np.isfinite(value) else 0.0
        for at, value in zip(one.seconds, one.values, strict=True)
    ]
    return np.array(found)


def report(
    each: Sequence[Series], found: Mapping[str, Floats], config: Constants
) -> list[dict[str, Any]]:
    """Returns one row a category, one for all, and the same blind.

    Blind is by a threshold and a pause that the other categories chose.
    """
    categories = sorted({one.category for one in each})
    fixed = {one.name: _labelled(one, found, config.votes, config.pause) for one in each}
    rows = [
        _row(name, [fixed[one.name] for one in each if one.category == name]) for name in categories
    ]
    rows.append(_row("all", list(fixed.values())))
    blind = {name: _fold(name, each, found) for name in categories}
    rows += [_row(f"{name}, blind", one) for name, one in blind.items()]
    rows.append(_row("all, blind", [c for one in blind.values() for c in one]))
    return rows


def _fold(name: str, each: Sequence[Series], found: Mapping[str, Floats]) -> list[Labelled]:
    others = [one for one in each if one.category != name]

    def worth(choice: tuple[float, int]) -> float:
        labelled = [_labelled(one, found, *choice) for one in others]
        return float(np.mean([normalised(labelled, profile) for profile in PROFILES]))

    best = max(((votes, pause) for votes in VOTES for pause in PAUSES), key=worth)
    return [_labelled(one, found, *best) for one in each if one.category == name]


def _labelled(one: Series, found: Mapping[str, Floats], votes: float, pause: int) -> Labelled:
    return Labelled(np.array(list(alerting(found[one.name], votes, pause))), one.windows)


def _row(name: str, each: list[Labelled]) -> dict[str, Any]:
    row: dict[str, Any] = {"series": name, "files": len(each)}
    row["windows"] = sum(len(one.windows) for one in each)
    for profile in PROFILES:
        found = normalised(each, profile)
        row[profile.name] = None if np.isnan(found) else round(found, 1)
    return row
