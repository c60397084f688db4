"""The z-score of a minute: by the minutes before it, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.jobs.service_metrics.score import LEAST_HISTORY, MOST_US, Score, mean_us, scores

WINDOW = timedelta(minutes=30)
MEANS = st.lists(st.none() | st.integers(0, MOST_US), max_size=80)


def scored(means: list[int | None], window: timedelta = WINDOW) -> list[Score]:
    """The scores of minutes in a row."""
    return list(scores(((60 * at, one) for at, one in enumerate(means)), window))


@given(MEANS)
def test_it_is_what_the_textbook_says(means: list[int | None]) -> None:
    """Mean and standard deviation of the minutes before, those that had any timed request."""
    for at, found in enumerate(scored(means)):
        past = [one for one in means[max(at - 30, 0) : at] if one is not None]
        assert found.history == len(past)
        if len(past) >= LEAST_HISTORY:
            assert found.expected_ms == pytest.approx(mean(past) / 1000)
            assert found.spread_ms == pytest.approx(max(stdev(past), 1000) / 1000)
        if len(past) >= LEAST_HISTORY and means[at] is not None:
            wanted = (means[at] - mean(past)) / max(stdev(past), 1000)
            assert found.z == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@given(MEANS, MEANS)
def test_what_comes_later_changes_nothing(means: list[int | None], later: list[int | None]) -> None:
    """There is no look-ahead."""
    assert scored(means + later)[: len(means)] == scored(means)


def test_a_minute_is_not_in_its_own_window() -> None:
    """However large it is, what is expected of it stays."""
    before = [100_000, 101_000, 99_000] * 5
    found = [scored([*before, last])[-1] for last in (100_000, MOST_US)]
    assert found[0][:3] == found[1][:3]


def test_there_is_no_score_without_history() -> None:
    """Nine minutes are too few, ten are enough; minutes without requests are none."""
    assert scored([5000] * 9 + [9000])[-1].z is None
    assert scored([5000] * 5 + [None] * 20 + [5000] * 5 + [9000])[-1].z == 4.0


def test_what_is_out_of_the_window_is_forgotten() -> None:
    """A gap longer than the window leaves no history."""
    at = [*range(20), 60]
    assert list(scores([(60 * t, 5000) for t in at], WINDOW))[-1] == Score(0, None, None, None)


def test_a_steady_service_is_judged_by_a_millisecond() -> None:
    """Its spread is not zero, so that the first slow minute is a spike and 1 us is none."""
    slow, fine = (scored([100_000] * 12 + [last])[-1].z for last in (110_000, 100_001))
    assert (slow, fine) == (10.0, 0.001)


def test_a_mean_is_whole_microseconds() -> None:
    """Rounded down; none without timed requests, and bounded."""
    assert (mean_us(20, 3), mean_us(0, 0), mean_us(10**30, 1)) == (6, None, MOST_US)
