"""Decides which time to make events for: backfill first, then the wall clock. Pure."""

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
    """Makes traffic along a given clock; events were made up to the time `at`."""

    def __init__(self, traffic: Traffic, rate: float, start: int, anchor: int) -> None:
        self.traffic, self.at = traffic, start
        self._meter = Meter(rate, anchor)

    def backfill(self, clock: Clock) -> Iterator[Record]:
        """Yields events from `at` on, until the clock is reached or comes no closer."""
        gap, last = clock() - self.at, None
        while gap > MICROS and (last is None or gap < 0.8 * last):
            yield from self.up_to(self.at + gap)
            gap, last = clock() - self.at, gap

    def live(self, now: int) -> Iterator[Record]:
        """Yields what came due since the last call; after a long pause only the last seconds."""
        self.at = max(self.at, now - CATCH_UP)
        return self.up_to(now)

    def unmetered(self, now: int) -> Iterator[Record]:
        """Yields a fixed number of events, independent of time."""
        since, self.at = self.at, now
        return self.traffic.tick(since, now, UNMETERED)

    def up_to(self, end: int) -> Iterator[Record]:
        """Yields the events due from `at` to `end`."""
        while self.at < end:
            since, self.at = self.at, min(self.at + STEP, end)
            count = self._meter.due(since, self.at, self.traffic.surge(since))
            yield from self.traffic.tick(since, self.at, count)
