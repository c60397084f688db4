"""`--source lake`: the sums of `usage`, closed and open, without files and without a JVM."""

import csv
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.windows import Pond, at, logged, recount

from batch.commands.aggregate import aggregate

MEASURES = ("requests", "errors", "bytes", "total_response_time")


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Two days of three users, the second one open."""
    made = Pond(lake)
    times = [at(minutes) for minutes in (5, 40, 50, 1441, 2190, 2200)]
    users, apps = ["ann", "bob", "o'c", "ann", None, "bob"], ["web", "web", "ios"] * 2
    made.arrive(logged(times, user=users, app=apps, response_time=0.1, bytes_sent=7))
    made.close(at(2160))
    return made


def summed(pond: Pond, output: Path, *flags: str) -> list[dict[str, str]]:
    """The rows of the result."""
    words = ["--source", "lake", "--lake", pond.lake.places.lake, "--output", str(output), *flags]
    CliRunner().invoke(aggregate, words, catch_exceptions=False)
    with output.open(newline="") as text:
        return list(csv.DictReader(text))


def expected(row: dict[str, Any]) -> dict[str, str]:
    """A window counted from `logs` by hand, as the result writes it."""
    names = ("user", "app", *MEASURES)
    period = row["window_start"].strftime("%Y-%m-%d %H:%M:%S")
    return {"period": period, **{n: "" if row[n] is None else str(row[n]) for n in names}}


@pytest.mark.parametrize(("granularity", "stored"), [("30m", "30m"), ("1day", "1d")])
def test_half_hours_and_days_are_those_of_the_logs(
    pond: Pond, tmp_path: Path, granularity: str, stored: str
) -> None:
    """Closed and open ones, as a recount by hand has them."""
    rows = summed(pond, tmp_path / "r.csv", "--granularity", granularity)
    counted = [expected(row) for row in recount(pond.lake, "usage", stored)]
    assert rows == sorted(counted, key=lambda row: (row["period"], row["user"], row["app"]))


def test_a_range_and_members_narrow_the_lake(pond: Pond, tmp_path: Path) -> None:
    """A half hour that begins in the range counts; a name with a quote is a name."""
    flags = (
        "--from-datetime",
        "2026-04-29 00:30:00",
        "--to-datetime",
        "2026-04-30",
        "--user",
        "bob,o'c",
        "--dimensions",
        "user",
    )
    rows = summed(pond, tmp_path / "r.csv", *flags)
    assert [(row["user"], row["requests"]) for row in rows] == [("bob", "1"), ("o'c", "1")]
