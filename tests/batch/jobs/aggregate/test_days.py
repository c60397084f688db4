"""Which files are read: by their names, and only those that the range needs."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from batch.jobs.aggregate.days import days
from batch.jobs.aggregate.question import question
from lakehouse.errors import SettingsError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("2025-01-01", "2025-01-02", "2025-01-04", "2025-02-30")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Days with a gap, a day that there is not, and files of other names."""
    for name in (*NAMES, "x2025-01-03", "2025-01-03.log.csv"):
        (tmp_path / f"{name}.log.csv").touch()
    return tmp_path


def chosen(folder: Path, since: str | None, until: str | None) -> tuple[list[str], list[date]]:
    """The days read and the days missing."""
    found = days(folder, question(NOW, since, until, "30m", "user"))
    return [file.name[:10] for file in found.files], [*found.missing]


@pytest.mark.parametrize(
    ("since", "until", "read"),
    [
        (None, None, ["2025-01-01", "2025-01-02", "2025-01-04"]),
        ("2025-01-02", "2025-01-03", ["2025-01-02"]),
        ("2025-01-01 23:59:59", "2025-01-02 00:00:00", ["2025-01-01"]),
        ("2025-01-01 23:59:59", "2025-01-02 00:00:01", ["2025-01-01", "2025-01-02"]),
        ("2025-01-02T00:30:00+01:00", "2025-01-02", ["2025-01-01"]),
    ],
)
def test_only_the_days_of_the_range(
    folder: Path, since: str | None, until: str | None, read: list[str]
) -> None:
    """A day is read if an instant of it is in the range, whose end is left out."""
    assert chosen(folder, since, until)[0] == read


def test_missing_days_are_told(folder: Path) -> None:
    """Those of the range that have no file."""
    assert chosen(folder, "2025-01-02", "2025-01-06")[1] == [date(2025, 1, 3), date(2025, 1, 5)]


def test_a_range_without_files_is_refused(folder: Path) -> None:
    """With what there is."""
    with pytest.raises(SettingsError, match="2025-01-01 to 2025-01-04"):
        chosen(folder, "2026-01-01", None)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("2025-01-02", "2025-01-02", "30m", "user"), "not before"),
        (("soon", None, "30m", "user"), "--from-datetime 'soon' is not a time"),
        ((None, None, "30m", "user", "a,,b"), "--user 'a,,b' has an empty name"),
    ],
)
def test_flags_that_do_not_fit_are_refused(flags: tuple[str, ...], said: str) -> None:
    """In words, before anything is read."""
    with pytest.raises(SettingsError, match=said):
        question(NOW, *flags)
