"""A time as a person writes it is the time meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.errors import SettingsError
from lakehouse.terminal.times import end, later, length, moment, rendered, state_time, time

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before_now"),
    [
        ("2026-05-02T11:00:00Z", timedelta(hours=1)),
        ("2026-05-02T13:00:00+02:00", timedelta(hours=1)),
        ("2026-05-02 11:00", timedelta(hours=1)),
        ("2026-05-02", timedelta(hours=12)),
        ("10 minutes ago", timedelta(minutes=10)),
        ("-10m", timedelta(minutes=10)),
        ("1 hour ago", timedelta(hours=1)),
        ("30s ago", timedelta(seconds=30)),
        ("-2d", timedelta(days=2)),
        ("7d", timedelta(days=7)),
        ("-90", timedelta(seconds=90)),
        ("90 ago", timedelta(seconds=90)),
        ("20260502", timedelta(hours=12)),
        ("1 second ago", timedelta(seconds=1)),
        ("1777716000", timedelta(hours=2)),
        ("1777716000000", timedelta(hours=2)),
        ("1777716000000000", timedelta(hours=2)),
        ("1777716000000000000", timedelta(hours=2)),
    ],
)
def test_a_time_is_understood(text: str, before_now: timedelta) -> None:
    """Absolute or relative; without a zone it is UTC."""
    assert time(text, NOW) == NOW - before_now


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "10 moons ago", "-m", "2026-13-01", "2026", "-9999999d"),
        *("177771600", "17777160000", "20260502120000", "1" * 40, "\u0661" * 10),
    ],
)
def test_what_is_no_time_is_a_fault(text: str) -> None:
    """The fault shows how to write one."""
    with pytest.raises(SettingsError, match="10 minutes ago"):
        time(text, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("5 M", 300),
        ("90 minutes", 5400),
        ("2h", 7200),
        ("0.5d", 43_200),
        ("1 day", 86_400),
        ("2w", 1_209_600),
    ],
)
def test_a_length_of_time_is_understood(text: str, seconds: float) -> None:
    """Seconds, or a number with a unit."""
    assert length(text, "--for") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "-2h", "soon", "2 moons", "99999999999d", "9e9", "2026-05-02", "m", "10ms", "\u0663h"],
)
def test_what_is_no_length_is_a_fault(text: str) -> None:
    """It names the flag, and shows how to write one."""
    with pytest.raises(SettingsError, match=r"--for.*\n.*90, 90s, 5m, 2h or 1d"):
        length(text, "--for")


def test_what_lasts_from_now_on_has_a_length() -> None:
    """Its end is a time; what ends at once is a fault."""
    assert later("2h", NOW, "--for") == NOW + timedelta(hours=2)
    with pytest.raises(SettingsError, match=r"--for.*\n.*90, 90s, 5m, 2h or 1d"):
        later("0h", NOW, "--for")


def test_a_version_and_a_time_exclude_each_other() -> None:
    """Two states at once mean nothing."""
    with pytest.raises(SettingsError, match="one of them"):
        moment(3, "-10m", NOW)


@pytest.mark.parametrize(
    ("written", "first_left_out"),
    [
        ("2025-02-01", "2025-02-01T00:00:00"),
        ("2025-02-01 00:00:00", "2025-02-01T00:00:00"),
        ("2025-01-31 12:30", "2025-01-31T12:30:00"),
        ("2025-01-31 23:59:59", "2025-02-01T00:00:00"),
        ("2025-01-31 23:59", "2025-02-01T00:00:00"),
        ("2025-01-31 23:59:00", "2025-01-31T23:59:01"),
        ("2025-01-31T23:59:59.999", "2025-02-01T00:00:00"),
        ("2025-01-31T23:59:59.999999Z", "2025-02-01T00:00:00"),
        ("2025-02-01T00:59:59+01:00", "2025-02-01T00:00:00"),
    ],
)
def test_an_end_counts_as_precisely_as_it_is_written(written: str, first_left_out: str) -> None:
    """A border between periods is left out; a last second or minute is not lost."""
    assert end(written, NOW, "--to") == datetime.fromisoformat(f"{first_left_out}+00:00")


def test_an_end_that_is_relative_is_a_moment() -> None:
    """Nobody writes it to the second."""
    assert end("-10s", NOW, "--to") == time("-10s", NOW)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-05-02T11:00:00Z", 999_999),
        ("2026-05-02 11:00:00", 999_999),
        ("2026-05-02T13:00:00+02:00", 999_999),
        ("1777719600", 999_999),
        ("2026-05-02T11:00:00.000Z", 0),
        ("2026-05-02T11:00Z", 0),
        ("1777719600000", 0),
        ("-60m", 0),
    ],
)
def test_a_state_of_a_second_is_that_at_its_end(text: str, microsecond: int) -> None:
    """What is shown to the second can be given back; what is finer means itself."""
    eleven = NOW - timedelta(hours=1)
    assert state_time(text, NOW) == eleven + timedelta(microseconds=microsecond)


@pytest.mark.parametrize("microsecond", [0, 5000, 5001, 999_999])
def test_what_is_rendered_is_read_back(microsecond: int) -> None:
    """In full, and no longer than it has to be."""
    at = NOW.replace(microsecond=microsecond)
    assert time(rendered(at), NOW) == at
