"""Measures detection of staged trouble: recall, precision, delay, false incidents. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.evaluate.inject import DAY, KINDS, Episode, Staged, minutes

# An incident may open this many minutes after the trouble's end: five are judged together.
GRACE = 5
# What follows trouble (its end, a return) within so many minutes is no false incident.
AFTERMATH = 30
BUSY = 60.0


@dataclass(frozen=True)
class Alarm:
    """An incident that opened, at the minute `at` since the epoch."""

    key: int
    measure: str
    direction: str
    at: int


def alarms(one: Staged, config: Config, method: str) -> list[Alarm]:
    """Folds the staged minutes; returns the incidents that opened."""
    engine, found = Engine(config, method), []
    index = {name: i for i, name in enumerate(one.rates.names)}
    for each in minutes(one):
        for change in engine.fold(each):
            if change.status == "open" and change.last_breach == change.opened:
                key = index[change.endpoint]
                found.append(Alarm(key, change.measure, change.direction, each.at))
    return found


@dataclass(frozen=True)
class Tally:
    """Counts episodes, the delays in minutes of those found, and false incidents."""

    episodes: int
    delays: list[int]
    false: int | None = None
    key_days: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        false = None if self.false is None or other.false is None else self.false + other.false
        return Tally(
            self.episodes + other.episodes,
            self.delays + other.delays,
            false,
            self.key_days + other.key_days,
        )

    @property
    def row(self) -> dict[str, Any]:
        """Returns the figures as a row; those that do not apply are None."""
        hits, false = len(self.delays), self.false
        return {
            "episodes": self.episodes,
            "found": hits,
            "recall": _share(hits, self.episodes),
            "precision": None if false is None else _share(hits, hits + false),
            "delay_minutes": median(self.delays) if hits else None,
            "false_per_key_day": None if false is None else round(false / self.key_days, 4),
        }


def figures(one: Staged, found: list[Alarm]) -> dict[str, Tally]:
    """Returns a tally for each kind of trouble, and one for trouble that must not be missed."""
    key_days = float((~np.isnan(one.rates.requests)).sum()) / DAY
    tallies = {}
    for kind in KINDS:
        false = [a for a in found if _of(a, kind) and not _is_trouble(a, one)]
        episodes = [e for e in one.episodes if e.kind == kind]
        tallies[kind] = Tally(len(episodes), _delays(episodes, found), len(false), key_days)
    busy = one.rates.busy >= BUSY
    for kind, factor in (("spike", 5.0), ("drop", 0.0)):
        sure = [e for e in one.episodes if (e.kind, e.factor) == (kind, factor) and busy[e.key]]
        tallies[f"{kind} x{factor:g}, busy"] = Tally(len(sure), _delays(sure, found))
    return tallies


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _delays(episodes: list[Episode], found: list[Alarm]) -> list[int]:
    return [delay for one in episodes if (delay := _delay(one, found)) is not None]


def _of(alarm: Alarm, kind: str) -> bool:
    return (alarm.measure, alarm.direction) == KINDS[kind][:2]


def _delay(one: Episode, found: Iterable[Alarm]) -> int | None:
    """Returns minutes from the start of an episode to the end of the minute that found it."""
    until = one.last + GRACE
    hits = [
        a.at for a in found if a.key == one.key and _of(a, one.kind) and one.first <= a.at <= until
    ]
    return min(hits) - one.first + 1 if hits else None


def _is_trouble(alarm: Alarm, one: Staged) -> bool:
    """Whether an alarm is for injected trouble, or for trouble known in the given rates."""
    known = one.rates.trouble.get(alarm.key, ())
    return any(first <= alarm.at <= last for first, last in known) or any(
        e.key == alarm.key and e.first <= alarm.at <= e.last + AFTERMATH for e in one.episodes
    )
