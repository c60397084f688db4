"""Times as text: years that are not written, epochs, and what is no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.formats import times
from lakehouse.formats.times import rfc_3339

CLOCKS = st.datetimes(datetime(1972, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("before", "written", "is_of"),
    [
        ("2019-01-02T00:00:05", "Dec 31 23:59:59", "2018-12-31T23:59:59Z"),
        ("2019-01-02T00:00:05", "Jan  2 00:00:01", "2019-01-02T00:00:01Z"),
        ("2018-12-31T23:30:00", "Jan  1 00:00:00", "2019-01-01T00:00:00Z"),
        ("2018-12-31T23:30:00", "Jan  2 00:00:00", "2018-01-02T00:00:00Z"),
        ("2026-05-01T00:00:00", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"),
        ("1904-01-01T00:00:00", "Feb 29 12:00:00", "1896-02-29T12:00:00Z"),
    ],
)
def test_the_year_is_that_of_the_last_one(before: str, written: str, is_of: str) -> None:
    """Over new year, a day ahead where clocks differ, and in a leap year."""
    assert rfc_3339(written, "UTC", datetime.fromisoformat(f"{before}Z")) == is_of


@given(CLOCKS, CLOCKS)
def test_no_time_is_of_the_day_after_tomorrow(before: datetime, moment: datetime) -> None:
    """Whatever is read, it is at most a day ahead, and within a year where there is such a day."""
    found = rfc_3339(f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}", "UTC", before)
    assert found is not None
    ahead = datetime.fromisoformat(found) - before
    years = 8 if (moment.month, moment.day) == (2, 29) else 1
    assert timedelta(days=-366 * years) <= ahead <= timedelta(days=1)


@pytest.mark.parametrize(
    ("epoch", "is_of"),
    [
        (999999999, "2001-09-09T01:46:39Z"),
        (1779012303, "2026-05-17T10:05:03Z"),
        (999999999123, "2001-09-09T01:46:39.123000Z"),
        (1779012303500, "2026-05-17T10:05:03.500000Z"),
        (999999999123456, "2001-09-09T01:46:39.123456Z"),
        (999999999123456789, "2001-09-09T01:46:39.123456Z"),
        (1779012303500000001, "2026-05-17T10:05:03.500000Z"),
        (1779012303.5, "2026-05-17T10:05:03.500000Z"),
        (999999999123.456, "2001-09-09T01:46:39.123456Z"),
        ("1779012303500.25", "2026-05-17T10:05:03.500250Z"),
        ("1779012303.1234567891", "2026-05-17T10:05:03.123456Z"),
    ],
)
def test_an_epoch_is_of_the_unit_of_its_digits(epoch: float | str, is_of: str) -> None:
    """Seconds have 9 or 10 of them, ms, us and ns three more each; all may have a fraction."""
    assert (rfc_3339(epoch), rfc_3339(str(epoch))) == (is_of, is_of)


@pytest.mark.parametrize(
    "value", [10**400, -5, 1e300, float("inf"), float("nan"), "17790123035", "9" * 20, True]
)
def test_what_is_no_epoch(value: float | str) -> None:
    """Of another number of digits, negative, or no number."""
    assert rfc_3339(value) is None


def test_long_texts_are_no_times_and_are_not_kept() -> None:
    """What has been read is kept for the next time; no text of a record stays in memory by it."""
    times._of_text.cache_clear()

    assert rfc_3339("2026-05-17 10:05:03" + " " * 1_000_000, "UTC") is None
    assert times._of_text.cache_info().currsize == 0
