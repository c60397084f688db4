"""The shop breathes by day and by week, without steps."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean

import pytest

from producer.traffic.curve import DAY, HOUR, MICROS, Meter, busyness

MONDAY = 4 * DAY


def test_mean_over_a_week_is_one() -> None:
    """Busyness is relative: a week of it comes to 1."""
    week = [busyness(MONDAY + place * HOUR // 4) for place in range(7 * 24 * 4)]

    assert mean(week) == pytest.approx(1, abs=0.03)


def test_evening_is_busier_than_night_and_monday_than_sunday() -> None:
    """The daily and the weekly curve, in UTC."""
    assert busyness(MONDAY + 19 * HOUR) > 2.5 * busyness(MONDAY + 3 * HOUR)
    assert busyness(MONDAY + 15 * HOUR) > 1.15 * busyness(MONDAY + 6 * DAY + 15 * HOUR)


def test_no_minute_jumps() -> None:
    """From one minute to the next it changes by less than a percent."""
    week = [busyness(place * 60 * MICROS) for place in range(7 * 24 * 60)]

    assert all(abs(b / a - 1) < 0.01 for a, b in pairwise(week))


def test_rate_is_what_was_asked_for_where_it_is_anchored() -> None:
    """A short run at any hour has the rate asked for, to the event."""
    meter = Meter(50, MONDAY + 3 * HOUR)
    ticks = range(MONDAY + 3 * HOUR, MONDAY + 3 * HOUR + 60 * MICROS, 20_000)

    assert sum(meter.due(at, at + 20_000) for at in ticks) == pytest.approx(3000, abs=20)


def test_rate_follows_the_curve_from_there() -> None:
    """Anchored at night, the evening gets more."""
    meter, evening = Meter(50, MONDAY + 3 * HOUR), MONDAY + 19 * HOUR

    assert meter.due(evening, evening + 60 * MICROS) > 2.5 * 3000
