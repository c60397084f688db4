"""The benchmark's scoring rule."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.evaluate.nab import PROFILES, Labelled, normalised, points

WINDOWS = [(400, 499), (700, 799)]
STANDARD = PROFILES[0]


def scored(*alerts: int) -> Labelled:
    """A thousand rows, with alerts at some."""
    scores = np.zeros(1000)
    scores[list(alerts)] = 0.5
    return Labelled(scores, WINDOWS)


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_found_is_zero_and_all_at_once_is_a_hundred(profile) -> None:
    """The two ends of every profile's scale."""
    assert normalised([scored()], profile) == pytest.approx(0)
    assert normalised([scored(400, 700)], profile) == pytest.approx(100)


def test_early_in_a_window_is_worth_more() -> None:
    """Later alerts of the same window change nothing."""
    early, late = normalised([scored(405)], STANDARD), normalised([scored(490)], STANDARD)

    assert early > late > 0
    assert normalised([scored(405, 490)], STANDARD) == early


def test_a_false_alert_costs_its_part() -> None:
    """In full before any window and far behind one; less right behind one."""
    hit = points(scored(400, 700), STANDARD)

    assert points(scored(300, 400, 700), STANDARD) == pytest.approx(hit - 0.11)
    assert hit - 0.11 < points(scored(400, 501, 700), STANDARD) < hit


def test_rows_on_probation_do_not_count() -> None:
    """The first 15 % are for learning."""
    assert points(scored(10, 149), STANDARD) == points(scored(), STANDARD)


def test_series_without_windows_can_only_cost() -> None:
    """Their false alerts lower the whole."""
    quiet = Labelled(scored(300).scores, [])

    assert normalised([scored(400, 700), quiet], STANDARD) < 100
