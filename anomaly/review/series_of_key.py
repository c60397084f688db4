"""One key by one measure through a fold: what was seen each minute, and what was expected. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np

from anomaly.engine.engine import Watchman
from anomaly.engine.incident import moment
from anomaly.engine.minute import Key, Minutes


class Point(NamedTuple):
    """A minute: the numbers of the five that end with it; NaN where it was not judged yet."""

    at: datetime
    observed: float
    expected: float
    lower: float
    upper: float
    n: float


class Trace:
    """Watches a key while minutes are folded; `points` are those from `since` on."""

    def __init__(self, watchman: Watchman, key: Key, measure: str, since: datetime) -> None:
        self._watchman, self._key, self._since = watchman, key, since
        self._detector = next(one for one in watchman.detectors if one.measure == measure)
        self.points: list[Point] = []

    def following(self, minutes: Iterable[Minutes]) -> Iterator[Minutes]:
        """The same minutes; each is looked at once it was folded."""
        for minute in minutes:
            yield minute
            self._look(minute.at)

    def _look(self, minute: int) -> None:
        at = moment(minute)
        row = self._watchman.roster.rows.get(self._key)
        if row is None or at < self._since:
            return
        look = [float(column[0]) for column in self._detector.look(np.array([row]))]
        # before five minutes are known there is nothing to compare; a new key is not judged yet
        if not self._watchman.roster.warm(minute)[row]:
            look[1:4] = [math.nan] * 3
        if math.isfinite(look[0]):
            self.points.append(Point._make((at, *look)))
