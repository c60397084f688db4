"""A file of tests is left out whole only where none of its tests could be chosen."""

from __future__ import annotations

import pytest
from support.marked_files import marks_of, may_fit

FAST = "not (spark or broker or slow)"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("pytestmark = pytest.mark.slow\n", {"slow"}),
        ("pytestmark = [pytest.mark.broker, pytest.mark.spark]\n", {"broker", "spark"}),
        ("pytestmark = [\n    pytest.mark.faults,\n    pytest.mark.slow,\n]\n", {"faults", "slow"}),
        ('pytestmark = pytest.mark.skipif(True, reason="no")\n', set()),
        ("@pytest.mark.slow\ndef test_it() -> None: ...\n", set()),
    ],
)
def test_only_marks_of_all_tests_count(text: str, marks: set[str]) -> None:
    """Not those of one test, and none with conditions."""
    assert marks_of(text) == marks


@pytest.mark.parametrize(
    ("marks", "chosen", "fits"),
    [
        ({"slow"}, FAST, False),
        ({"random"}, FAST, True),
        (set(), FAST, True),
        (set(), "compose and not slow", True),
        ({"slow"}, "compose and not slow", False),
        ({"compose"}, "compose and not slow", True),
        ({"slow"}, "random or nightly", True),
        ({"broker"}, "(broker or faults) and not nightly", True),
        ({"broker", "nightly"}, "(broker or faults) and not nightly", False),
    ],
)
def test_a_test_may_have_other_marks(marks: set[str], chosen: str, fits: bool) -> None:
    """Whatever marks its tests have besides, those of the file decide, or do not."""
    assert may_fit(marks, chosen) is fits
