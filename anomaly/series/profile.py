"""What a value usually is at an hour: of the day, of the week. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

_WEIGHT = 0.3


def hour_of_day(hour: int) -> int:
    """24 slots."""
    return hour % 24


def hour_of_day_kind(hour: int) -> int:
    """24 slots for weekdays and 24 for weekends (the epoch was a Thursday)."""
    return hour % 24 + 24 * ((hour // 24 + 3) % 7 >= 5)


def hour_of_week(hour: int) -> int:
    """168 slots."""
    return hour % 168


class Past:
    """The values of the last week by the minute, to be compared with."""

    DAY, WEEK = 1440, 10080

    def __init__(self) -> None:
        self._held: dict[int, float] = {}

    def take(self, seconds: float | None, value: float) -> tuple[float, float]:
        """The value of a day ago and of a week ago; NaN where there is none."""
        if seconds is None:
            return math.nan, math.nan
        at = round(seconds / 60)
        found = (self._held.get(at - ago, math.nan) for ago in (self.DAY, self.WEEK))
        day, week = found
        self._held[at] = value
        if len(self._held) > self.WEEK + 1:
            del self._held[next(iter(self._held))]
        return day, week


class Profile:
    """The mean of each slot, of the times before; `off` is how far a value is from it."""

    def __init__(self, slot: Callable[[int], int], level_weight: float = 0.0) -> None:
        self._slot, self._level_weight = slot, level_weight
        self._usual: dict[int, float] = {}
        self._level, self._hour, self._sum, self._count = math.nan, -1, 0.0, 0

    def off(self, seconds: float | None, value: float) -> float:
        """The distance of a value to what is usual; NaN while that is not known."""
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
        """The value, less a level that follows it slowly."""
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
