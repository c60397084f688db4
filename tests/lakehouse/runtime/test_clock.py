"""A wall clock that was set back is noticed, once; what runs on or is set forward is not."""

from __future__ import annotations

from lakehouse.runtime.clock import WallClock


def test_only_a_step_back_is_told() -> None:
    """Forward, a correction of half a second, an hour back, and then nothing more."""
    ahead = iter([0.0, 0.0, 3600.0, 3599.5, -0.5, -0.5])
    clock = WallClock(lambda: next(ahead))

    assert [clock.was_set_back() for _ in range(5)] == [False, False, False, True, False]
