"""A time as a person writes it is the time meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.errors import SettingsError
from lakehouse.terminal.times import later, moment, time

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
        ("1 second ago", timedelta(seconds=1)),
    ],
)
def test_a_time_is_understood(text: str, before_now: timedelta) -> None:
    """Absolute or relative; without a zone it is UTC."""
    assert time(text, NOW) == NOW - before_now


@pytest.mark.parametrize("text", ["", "tomorrow", "10 moons ago", "-m", "2026-13-01", "-9999999d"])
def test_what_is_no_time_is_a_fault(text: str) -> None:
    """The fault shows how to write one."""
    with pytest.raises(SettingsError, match="10 minutes ago"):
        time(text, NOW)


@pytest.mark.parametrize(("text", "hours"), [("2h", 2), ("90 minutes", 1.5), ("3d", 72)])
def test_a_length_of_time_is_understood(text: str, hours: float) -> None:
    """From now on."""
    assert later(text, NOW, "--for") == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "0h", "-2h", "soon", "2 moons", "99999999999d", "2026-05-02"])
def test_what_is_no_length_is_a_fault(text: str) -> None:
    """It names the flag, and shows how to write one."""
    with pytest.raises(SettingsError, match=r"--for.*\n.*30m"):
        later(text, NOW, "--for")


def test_a_version_and_a_time_exclude_each_other() -> None:
    """Two states at once mean nothing."""
    with pytest.raises(SettingsError, match="one of them"):
        moment(3, "-10m", NOW)
