"""What is usual at an hour of the week."""

from __future__ import annotations

import numpy as np
from support.watched import START

from anomaly.engine.seasonality import Seasonality, render_hour


def learned(days: int) -> Seasonality:
    """One key with 100 requests in five minutes, and 1,000 from 14 to 15 hours."""
    seasonality = Seasonality()
    seasonality.state.grow(1)
    first = START - START % 10080
    for at in range(first, first + days * 1440):
        seasonality.step(at, np.array([1000.0 if at // 60 % 24 == 14 else 100.0]))
    return seasonality


def test_an_hour_is_usual_once_it_was_seen() -> None:
    """A day later in the week it is not known yet, a week later it is."""
    seasonality, first = learned(3), START - START % 10080
    unknown = seasonality.usual(first + 5 * 1440 + 14 * 60, np.array([0]))
    low, high = seasonality.usual(first + 7 * 1440 + 14 * 60, np.array([0]))

    assert np.isnan(unknown[0][0])
    assert low[0] < 1000 < high[0]


def test_other_hours_are_another_usual() -> None:
    """The busy hour does not spill."""
    _, high = learned(3).usual(START - START % 10080 + 7 * 1440 + 3 * 60, np.array([0]))

    assert high[0] < 200


def test_an_hour_has_a_name() -> None:
    """The epoch was a Thursday."""
    assert (render_hour(0), render_hour(5 * 1440 + 14 * 60 + 7)) == ("Thu 00:00", "Tue 14:00")
