"""Which stretch of time is due next: earlier event time first, then the wall clock. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from producer.traffic.curve import MICROS, Meter
from producer.traffic.faults import Record
from producer.traffic.traffic import Traffic

Clock = Callable[[], int]
STEP = MICROS
CATCH_UP = 5 * MICROS
UNMETERED = 2000


class Pace:
    """Traffic along a clock that is passed in; `at` is the time up to which events were made."""

    def __init__(self, traffic: Traffic, rate: float, start: int, anchor: int) -> None:
        self.traffic, self.at = traffic, start
        self._meter = Meter(rate, anchor)

    def backfill(self, clock: Clock) -> Iterator[Record]:
        """From `at` on, until it has caught up with the clock, or gets no closer."""
        gap, last = clock() - self.at, None
        while gap > MICROS and (last is None or gap < 0.8 * last):
            yield from self.up_to(self.at + gap)
            gap, last = clock() - self.at, gap

    def live(self, now: int) -> Iterator[Record]:
        """What came due since the last call; of a longer pause only the last seconds."""
        self.at = max(self.at, now - CATCH_UP)
        return self.up_to(now)

    def unmetered(self, now: int) -> Iterator[Record]:
        """A fixed number of events, whatever the time that passed."""
        since, self.at = self.at, now
        return self.traffic.tick(since, now, UNMETERED)

    def up_to(self, end: int) -> Iterator[Record]:
        """The events due from `at` to `end`."""
        while self.at < end:
            since, self.at = self.at, min(self.at + STEP, end)
            count = self._meter.due(since, self.at, self.traffic.surge(since))
            yield from self.traffic.tick(since, self.at, count)
