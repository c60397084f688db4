"""One process at a time, and looks at it that disturb nobody."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lakehouse.errors import CheckpointError
from lakehouse.store.lock import alone, is_held


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    """And says what runs."""
    place = str(tmp_path / "ledger")
    with alone(place, "the stream"), pytest.raises(CheckpointError, match="the stream runs"):  # noqa: SIM117
        with alone(place, "the stream"):
            pass


def test_a_look_tells_while_it_is_held(tmp_path: Path) -> None:
    """Before, meanwhile and after; a place that is not there is free, and is not made."""
    place = tmp_path / "ledger"
    before, made = is_held(str(place)), place.exists()
    with alone(str(place), "it"):
        during = is_held(str(place))
    assert (before, made, during, is_held(str(place))) == (False, False, True, False)


def test_behind_a_url_nobody_knows() -> None:
    """There is no lock there."""
    assert is_held("s3://bucket/ledger") is None


def test_looks_do_not_refuse_a_start(tmp_path: Path) -> None:
    """A look holds the lock for an instant; a start waits that long, fifty times of fifty."""
    place, done, seen, held = str(tmp_path / "ledger"), threading.Event(), [], 0
    with alone(place, "it"):
        pass
    looking = threading.Thread(
        target=lambda: seen.extend(is_held(place) for _ in iter(done.is_set, True))
    )
    looking.start()
    try:
        for _ in range(50):
            with alone(place, "it"):
                held += 1
    finally:
        done.set()
        looking.join()
    assert (held, len(seen) > 0) == (50, True)
