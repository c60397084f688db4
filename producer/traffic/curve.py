"""The load of the shop by hour and weekday, in UTC. Pure."""

from __future__ import annotations

MICROS = 1_000_000
HOUR = 3600 * MICROS
DAY = 24 * HOUR

HOURS = (
    0.62,
    0.52,
    0.46,
    0.43,
    0.45,
    0.53,
    0.66,
    0.82,
    0.97,
    1.10,
    1.19,
    1.24,
    1.27,
    1.26,
    1.24,
    1.23,
    1.26,
    1.32,
    1.39,
    1.43,
    1.38,
    1.23,
    1.02,
    0.80,
)
# the epoch was a Thursday
WEEKDAYS = (1.07, 1.02, 0.88, 0.84, 1.06, 1.09, 1.08)


def busyness(at: int) -> float:
    """Returns the load at a time in microseconds since the epoch: 1.0 on average over a week."""
    return _between(HOURS, at / HOUR - 0.5) * _between(WEEKDAYS, at / DAY - 0.5)


class Meter:
    """Counts due events: `rate` a second at `anchor`, and along the daily curve from there.

    So a short run has the rate asked for at any hour, and a long one follows the curve.
    """

    def __init__(self, rate: float, anchor: int) -> None:
        self._scale, self._owed = rate / busyness(anchor), 0.0

    def due(self, since: int, until: int, surge: float = 1.0) -> int:
        """Returns the events due between two times; fractions are carried over to the next call."""
        per_second = self._scale * busyness((since + until) // 2) * surge
        self._owed += per_second * (until - since) / MICROS
        count = int(self._owed)
        self._owed -= count
        return count


def _between(levels: tuple[float, ...], position: float) -> float:
    index, part = int(position // 1), position % 1
    low, high = levels[index % len(levels)], levels[(index + 1) % len(levels)]
    return low + (high - low) * part
