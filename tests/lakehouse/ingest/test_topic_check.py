"""A topic that is another, begins too late or ends too early is refused, with what to do."""

from __future__ import annotations

import pytest

from lakehouse.errors import BrokerError, CheckpointError
from lakehouse.ingest.runs import Run
from lakehouse.ingest.topic_check import (
    refuse_moved_back,
    refuse_remade,
    refuse_removed,
    refuse_unread,
)

BOUNDS = {0: (10, 50), 1: (0, 0)}


def test_a_topic_made_again_is_refused() -> None:
    """By its id."""
    refuse_remade("t", "a", "a")
    with pytest.raises(CheckpointError, match="deleted and made again") as refused:
        refuse_remade("t", "a", "b")
    assert "--topic" in refused.value.remedy


@pytest.mark.parametrize("taken", [{0: 51}, {0: 20, 1: 1}])
def test_an_end_that_moved_back_is_refused(taken: dict[int, int]) -> None:
    """What was taken is there no more, and its offsets go to others; of unknown ones is no word."""
    for right in ({0: 50}, {0: 20, 1: 0}, {}, {0: 10, 7: 3}):
        refuse_moved_back("t", BOUNDS, right)
    with pytest.raises(BrokerError, match="its broker lost them") as refused:
        refuse_moved_back("t", BOUNDS, taken)
    assert "another name" in refused.value.remedy


def test_a_start_past_the_next_offset_is_refused() -> None:
    """With the offsets that are gone."""
    refuse_removed("t", BOUNDS, {0: 10, 1: 0})
    with pytest.raises(BrokerError, match="offsets 4 to 9 of partition 0") as refused:
        refuse_removed("t", BOUNDS, {0: 4, 1: 0})
    assert "recover ingest" in refused.value.remedy


def test_what_was_not_given_has_to_be_there_still() -> None:
    """Else nobody knows whether it was removed before it was read, or never was to be read."""
    refuse_unread("t", BOUNDS, [Run(0, 10, 12), Run(0, 30, 30)])
    with pytest.raises(BrokerError, match="offsets 9 to 9 of partition 0"):
        refuse_unread("t", BOUNDS, [Run(0, 30, 30), Run(0, 9, 12)])
