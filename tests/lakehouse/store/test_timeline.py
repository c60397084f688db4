"""A version has one time and a time one version, whatever clocks and copies do."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.paths import Places
from lakehouse.store.log import Log
from lakehouse.store.timeline import Timeline
from lakehouse.tables.catalog import LOGS

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRONG = {
    "1970": datetime(1970, 1, 1, 0, 5, tzinfo=UTC),
    "a month ahead": NOW + timedelta(days=30),
    "three hours back": NOW - timedelta(hours=3),
    "silent": None,
}


def a_minute_each(
    count: int, wrong: range = range(0), at: datetime | None = None, oldest: int = 0
) -> tuple[Timeline, list[int]]:
    """A commit a minute up to now, those in `wrong` stamped `at`; and a list of what is read."""
    read: list[int] = []

    def stamped(version: int) -> datetime | None:
        read.append(version)
        return at if version in wrong else NOW - MINUTE * (count - 1 - version)

    return Timeline(oldest, count - 1, stamped, NOW), read


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("first", [0, 1, 30, 56])
@pytest.mark.parametrize("count", [60, 700])
def test_a_clock_that_was_wrong_for_a_while_bends_nothing(
    wrong: datetime | None, first: int, count: int
) -> None:
    """Any other time gives the version of then, and those between are in order."""
    at_fault = range(first, first + 4)
    timeline, _ = a_minute_each(count, at_fault, wrong)

    found = [timeline.at(NOW - MINUTE * (count - 1 - v) + MINUTE / 2) for v in range(count)]

    good = [v for v in range(count) if v not in (first - 1, *at_fault)]
    assert [found[v] for v in good] == good
    assert found == sorted(found)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_nothing_young_passes_for_old(wrong: datetime | None) -> None:
    """Where a clock was wrong, also where it is so now, what is kept begins before."""
    for first in (0, 30, 56):
        timeline, _ = a_minute_each(60, range(first, first + 4), wrong)
        assert timeline.surely_by(NOW - timedelta(hours=1)) == 0
        assert timeline.surely_by(NOW - 25 * MINUTE) in (29, 34)


@given(st.lists(st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)), min_size=1, max_size=300))
def test_each_time_is_of_its_version(stamps: list[datetime]) -> None:
    """Whatever the stamps (ms): times rise, and the time of a version gives that version."""
    stamped = [s.replace(tzinfo=UTC, microsecond=s.microsecond // 1000 * 1000) for s in stamps]
    timeline = Timeline(0, len(stamped) - 1, stamped.__getitem__, NOW)

    times = [timeline.time(version) for version in range(len(stamped))]

    assert all(a < b for a, b in pairwise(times))
    known = [(version, at) for version, at in enumerate(times) if at < NOW]
    assert [timeline.at(at) for _, at in known] == [version for version, _ in known]


def test_a_long_log_is_not_read_whole() -> None:
    """Some hundreds of 43,000 entries, whatever is asked."""
    timeline, read = a_minute_each(43_000)

    assert timeline.at(NOW - MINUTE * 20_000 + MINUTE / 2) == 22_999
    assert timeline.time(12_345) == NOW - MINUTE * (42_999 - 12_345)
    assert len(read) < 600


def test_a_trimmed_log_begins_at_its_oldest() -> None:
    """A time before it is that of the oldest version, which then is refused."""
    timeline, _ = a_minute_each(500, oldest=100)
    assert timeline.at(NOW - MINUTE * 450) == 100
    assert timeline.time(100) == NOW - MINUTE * 399


def test_a_time_to_come_is_the_newest() -> None:
    """Also where the newest commit is of a clock that is ahead."""
    timeline, _ = a_minute_each(60, range(58, 60), NOW + timedelta(days=30))
    assert timeline.at(NOW) == timeline.at(NOW + timedelta(days=1)) == 59
    assert timeline.time(59) <= NOW


def test_a_copy_answers_as_the_lake_does(lake: Lake, tmp_path: Path) -> None:
    """The times of its files are new; the commits themselves say when they were made."""
    for offset in range(4):
        lake.put(events([offset]))
    shutil.copytree(lake.places.lake, tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*"):
        os.utime(file, (2e9, 2e9))
    copy = Places.at(str(tmp_path / "copy"))

    times = [Log(lake.places, "logs").time(version) for version in range(5)]

    found = [store.open_table(copy, LOGS, as_of=at).version() for at in times]
    assert found == [0, 1, 2, 3, 4]
