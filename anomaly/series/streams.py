"""A series in several lights: itself, its steps, its log, its rank, its distance to the usual.

Pure.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from statistics import median

import numpy as np

from anomaly.engine.arrays import Floats
from anomaly.series.profile import Past, Profile, hour_of_day, hour_of_day_kind, hour_of_week

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
    """Takes the series value by value; each gives one number for every light."""

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
        """The lights of one value; the last ones again without their sign."""
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
        """Where the value stands among the last ones, as log odds."""
        held = self._ranked
        middle = (bisect_left(held, value) + bisect_right(held, value)) / 2
        share = (middle + 0.5) / (len(held) + 1)
        insort(held, value)
        self._order.append(value)
        if len(held) > MOST_RANKED:
            del held[bisect_left(held, self._order.popleft())]
        return math.log(share / (1 - share)) if 0 < share < 1 else 0.0

    def _shift(self, value: float) -> None:
        """How far the histogram of late is from that of long."""
        here = np.zeros(self._fast.shape[1])
        here[bisect_right(self._borders or [], value)] = 1.0
        fast = np.array([[1 / one] for one, _ in SHIFTS])
        slow = np.array([[max(1 / one, 1 / self._seen)] for _, one in SHIFTS])
        self._fast = self._fast + fast * (here - self._fast)
        self._slow = self._slow + slow * (here - self._slow)
        late, long = self._fast + 0.01, self._slow + 0.01
        self.shifts = (late * np.log(late / long)).sum(axis=1)
