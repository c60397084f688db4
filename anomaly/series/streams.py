"""Transforms a series in several ways: steps, logarithm, rank, distance to the usual value.

Pure.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable
from statistics import median

import numpy as np

from anomaly.engine.columns import Floats

_WEIGHT = 0.3


def hour_of_day(hour: int) -> int:
    """The slot of an hour since the epoch, one of 24."""
    return hour % 24


def hour_of_day_kind(hour: int) -> int:
    """24 slots for weekdays and 24 for weekends (the epoch was a Thursday)."""
    return hour % 24 + 24 * ((hour // 24 + 3) % 7 >= 5)


def hour_of_week(hour: int) -> int:
    """The slot of an hour since the epoch, one of 168."""
    return hour % 168


class Past:
    """Keeps the values of the last week by the minute, for comparison."""

    DAY, WEEK = 1440, 10080

    def __init__(self) -> None:
        self._values: dict[int, float] = {}

    def take(self, seconds: float | None, value: float) -> tuple[float, float]:
        """Adds a value. Returns those of a day and of a week ago; NaN where there is none."""
        if seconds is None:
            return math.nan, math.nan
        at = round(seconds / 60)
        found = (self._values.get(at - ago, math.nan) for ago in (self.DAY, self.WEEK))
        day, week = found
        self._values[at] = value
        if len(self._values) > self.WEEK + 1:
            del self._values[next(iter(self._values))]
        return day, week


class Profile:
    """Keeps the mean of each slot of time, to tell how far a value is from it."""

    def __init__(self, slot: Callable[[int], int], level_weight: float = 0.0) -> None:
        self._slot, self._level_weight = slot, level_weight
        self._usual: dict[int, float] = {}
        self._level, self._hour, self._sum, self._count = math.nan, -1, 0.0, 0

    def off(self, seconds: float | None, value: float) -> float:
        """Returns the distance of a value to the usual one; NaN while that is not known."""
        if seconds is None or math.isnan(value):
            return math.nan
        hour = math.floor(seconds / 3600)
        if hour != self._hour:
            self._end()
            self._hour, self._sum, self._count = hour, 0.0, 0
        apart = self._apart(value)
        self._sum, self._count = self._sum + apart, self._count + 1
        return apart - self._usual.get(self._slot(hour), math.nan)

    def _apart(self, value: float) -> float:
        """Returns the value minus a level that follows it slowly."""
        if not self._level_weight:
            return value
        level = value if math.isnan(self._level) else self._level
        self._level = level + self._level_weight * (value - level)
        return value - level

    def _end(self) -> None:
        if not self._count:
            return
        slot, mean = self._slot(self._hour), self._sum / self._count
        before = self._usual.get(slot, mean)
        self._usual[slot] = before + _WEIGHT * (mean - before)


# As many rows set the scale of the log and the borders of the histograms.
FIRST = 100
MOST_RANKED = 5000
SHIFTS = ((30, 500), (30, 2000), (100, 1000), (100, 4000), (200, 2000))
BINS = 10
X, STEP, LOG, RANK = range(4)
# Signed distances to the usual, and the same again without their sign.
DAY, DAY_LEVEL, KIND, WEEK, LOG_DAY, LOG_WEEK, LOG_KIND, DAY_AGO, WEEK_AGO = range(4, 13)
BARE = WEEK_AGO + 1 - DAY
LIGHTS = WEEK_AGO + 1 + BARE
FOLLOW = np.array([0.02, 0.005, 0.1])
HUGE = 1e120


class Streams:
    """Takes a series value by value; each gives one number for every transformation."""

    def __init__(self) -> None:
        self._before, self._scale = math.nan, math.nan
        self._first: list[float] = []
        self._ranked: list[float] = []
        self._order: deque[float] = deque()
        slots = (hour_of_day, hour_of_day_kind, hour_of_week)
        day, kind, week = map(Profile, slots)
        self._plain = [day, Profile(hour_of_day, 0.02), kind, week]
        self._log = [Profile(slot) for slot in (hour_of_day, hour_of_week, hour_of_day_kind)]
        self._past = Past()
        self.levels = np.full(len(FOLLOW), np.nan)
        self.shifts = np.full(len(SHIFTS), np.nan)
        self._borders: list[float] | None = None
        self._fast = self._slow = np.zeros((len(SHIFTS), 1))
        self._seen = 0

    def take(self, seconds: float | None, value: float) -> Floats:
        """Returns all transformations of a value; some also as absolute numbers, at the end."""
        value = min(max(value, -HUGE), HUGE)
        self._learn(value)
        log = math.copysign(math.log1p(abs(value) / self._scale), value)
        lights = [value, value - self._before, log, self._rank(value)]
        lights += [one.off(seconds, value) for one in self._plain]
        lights += [one.off(seconds, log) for one in self._log]
        lights += [value - ago for ago in self._past.take(seconds, value)]
        self._before = value
        levels = np.where(np.isnan(self.levels), value, self.levels)
        self.levels = levels + FOLLOW * (value - levels)
        return np.array(lights + [abs(one) for one in lights[DAY:]])

    def _learn(self, value: float) -> None:
        self._seen += 1
        if self._borders is not None:
            self._shift(value)
            return
        self._first.append(value)
        if len(self._first) == FIRST:
            self._scale = median(abs(one) for one in self._first) + 1e-9
            shares = np.linspace(0, 1, BINS + 1)[1:-1]
            self._borders = np.unique(np.quantile(self._first, shares)).tolist()
            bins = len(self._borders) + 1
            self._fast = self._slow = np.full((len(SHIFTS), bins), 1 / bins)
            self._seen = 0
            for one in self._first:
                self._seen += 1
                self._shift(one)

    def _rank(self, value: float) -> float:
        """Returns the rank of the value among the last ones, as log odds."""
        ranked = self._ranked
        middle = (bisect_left(ranked, value) + bisect_right(ranked, value)) / 2
        share = (middle + 0.5) / (len(ranked) + 1)
        insort(ranked, value)
        self._order.append(value)
        if len(ranked) > MOST_RANKED:
            del ranked[bisect_left(ranked, self._order.popleft())]
        return math.log(share / (1 - share)) if 0 < share < 1 else 0.0

    def _shift(self, value: float) -> None:
        """Updates the distance between the histograms of recent and of all values."""
        here = np.zeros(self._fast.shape[1])
        here[bisect_right(self._borders or [], value)] = 1.0
        fast = np.array([[1 / one] for one, _ in SHIFTS])
        slow = np.array([[max(1 / one, 1 / self._seen)] for _, one in SHIFTS])
        self._fast = self._fast + fast * (here - self._fast)
        self._slow = self._slow + slow * (here - self._slow)
        late, long = self._fast + 0.01, self._slow + 0.01
        self.shifts = (late * np.log(late / long)).sum(axis=1)
