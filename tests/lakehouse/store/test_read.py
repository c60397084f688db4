"""A table is opened at any state that it had, and words say where there is none."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.tables.catalog import LOGS


@pytest.fixture
def grown(lake: Lake) -> Lake:
    """A lake whose `logs` has 0, 1, 2 and 3 rows in its versions."""
    for offset in range(3):
        lake.put(events([offset]))
    return lake


def test_newest_unless_asked_otherwise(grown: Lake) -> None:
    """Without a version or a time it is the newest."""
    assert grown.count() == 3


def test_every_version_is_readable(grown: Lake) -> None:
    """A version has the rows that it had then."""
    counts = [store.open_table(grown.places, "logs", version=n).count() for n in range(4)]
    assert counts == [0, 1, 2, 3]


def test_as_of_is_the_state_at_that_time(lake: Lake) -> None:
    """A time gives the newest version at or before it."""
    between = []
    for offset in range(3):
        lake.put(events([offset]))
        time.sleep(0.05)
        between.append(datetime.now(UTC))
        time.sleep(0.05)

    found = [store.open_table(lake.places, LOGS, as_of=at).version() for at in between]

    assert found == [1, 2, 3]


@pytest.mark.parametrize(
    "asked",
    [
        {"version": 4},
        {"version": -1},
        {"version": 2**70},
        {"as_of": datetime(1999, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_a_state_that_never_was_is_refused(grown: Lake, asked: dict[str, Any]) -> None:
    """No other state is given instead; the error says how to find those that are."""
    with pytest.raises(TableError, match="cannot be read at") as error:
        store.open_table(grown.places, LOGS, **asked)
    assert "logpond history logs" in error.value.remedy


def test_a_time_to_come_is_the_newest(grown: Lake) -> None:
    """`as of tomorrow` is what is there now."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert store.open_table(grown.places, LOGS, as_of=tomorrow).version() == 3


def test_version_and_time_together_are_refused(grown: Lake) -> None:
    """They could contradict each other."""
    with pytest.raises(TableError, match="two states"):
        store.open_table(grown.places, LOGS, version=1, as_of=datetime.now(UTC))


def test_a_time_without_a_zone_is_refused(grown: Lake) -> None:
    """Nobody knows when that is."""
    with pytest.raises(TableError, match="without a zone"):
        store.open_table(grown.places, LOGS, as_of=datetime.now())


@pytest.mark.parametrize("name", ["nobody", "_checkpoints", "logs/_delta_log", "../lake2"])
def test_absent_table_is_said(grown: Lake, name: str) -> None:
    """What is no table is an error with a remedy, and nothing is made by asking."""
    before = sorted(Path(grown.places.lake).iterdir())

    with pytest.raises(TableError, match="no table") as error:
        store.open_table(grown.places, name)

    assert error.value.remedy
    assert sorted(Path(grown.places.lake).iterdir()) == before


def test_held_are_the_coordinates_in_the_ranges(grown: Lake) -> None:
    """Only the asked partitions and offsets of the topic, ends left out."""
    grown.put(events(range(10, 15), partition=1))
    found = store.open_table(grown.places, LOGS)

    rows = store.coordinates(found, "web-logs", {0: (1, 3), 1: (12, 14), 2: (0, 9)}).to_pylist()

    assert sorted((r["_partition"], r["_offset"]) for r in rows) == [
        (0, 1),
        (0, 2),
        (1, 12),
        (1, 13),
    ]
    assert store.coordinates(found, "other", {0: (0, 9)}).num_rows == 0
    assert store.coordinates(found, "web-logs", {}).num_rows == 0
