"""What a window says is what its rows say: exact where promised, else within 2 %."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.lakes import Lake
from support.windows import DAY, Pond, agrees, at, differences, keyed, logged, recount

from lakehouse.tables.rollups import TRAFFIC, USAGE

LONG = "realKnownCause/ec2_request_latency_system_failure.csv"
SERIES = (
    LONG,
    "realTraffic/TravelTime_387.csv",
    "realKnownCause/nyc_taxi.csv",
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv",
)
LARGEST = 2**63 - 1
LONGEST = 1.7976931348623157e308


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """A lake that only this test knows, empty."""
    return Pond(lake)


def only(pond: Pond, rollup: str = "traffic", granularity: str = "30m") -> dict[str, Any]:
    """The one row there is."""
    (row,) = pond.read(rollup, granularity)
    return row


def series(file: Path) -> tuple[list[datetime], list[float]]:
    """Times and values of a series."""
    rows = list(csv.DictReader(file.read_text().splitlines()))
    times = [datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC) for row in rows]
    return times, [float(row["value"]) for row in rows]


@pytest.mark.slow
def test_quantiles_of_a_real_series(pond: Pond, shared_data: Path) -> None:
    """Within 2 % of the exact ones, at the series' own pace: six values a half hour, for days."""
    times, values = (part[:1000] for part in series(shared_data / "nab" / LONG))
    pond.arrive(logged(times, response_time=values))
    pond.close_by_now([TRAFFIC])
    assert differences(pond.lake, [TRAFFIC]) == []


@pytest.mark.slow
def test_quantiles_of_real_series_in_a_day(pond: Pond, shared_data: Path) -> None:
    """Months of values as those of a day, some 80 a half hour: within 2 % at both granularities."""
    for name in SERIES:
        _, values = series(shared_data / "nab" / name)
        times = [at(1440 * n / len(values)) for n in range(len(values))]
        pond.arrive(logged(times, response_time=values, endpoint=name))
    pond.close(at(1440), [TRAFFIC])
    assert differences(pond.lake, [TRAFFIC]) == []


def skewed(choose: random.Random) -> dict[str, Callable[[], float]]:
    """Latencies as they come, and as they should not."""
    return {
        "lognormal": lambda: choose.lognormvariate(3, 1.5),
        "pareto": lambda: choose.paretovariate(0.7),
        "two peaks": lambda: choose.choice([1.0, 30_000.0]) * choose.uniform(0.9, 1.1),
        "constant": lambda: 42.0,
        "many orders": lambda: 10 ** choose.uniform(-2, 9),
    }


@pytest.mark.slow
def test_quantiles_of_skewed_values(pond: Pond) -> None:
    """Few values or many, each in an endpoint of its own, in half hours and days made of them."""
    times, values, names = [], [], []
    for shape, draw in skewed(random.Random(7)).items():
        for count in (1, 2, 3, 7, 100, 3000):
            times += [at(90 * n / count) for n in range(count)]
            values += [draw() for _ in range(count)]
            names += [f"{shape} {count}"] * count
    pond.arrive(logged(times, response_time=values, endpoint=names))
    pond.close(at(1440), [TRAFFIC])
    assert differences(pond.lake, [TRAFFIC]) == []


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True], ids=["once", "folded"])
def test_visitors_are_exact_below_the_size_kept(pond: Pond, several: bool) -> None:
    """32,767 addresses, in one half hour or each in two of many, are counted one by one."""
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(32_767)]
    spread = 1440 if several else 29
    times = [at(spread * n / 32_767) for n in range(32_767)]
    again = [at(spread * (1 - (n + 1) / 32_767)) for n in range(32_767)]
    pond.arrive(logged(times + again, ip=addresses * 2))
    pond.close(at(1440), [TRAFFIC])
    assert only(pond, granularity="1d")["unique_visitors"] == 32_767
    assert {r["unique_visitors"] for r in pond.read() if not several} <= {32_767}


@pytest.mark.slow
def test_many_visitors_are_counted_within_2_percent(pond: Pond) -> None:
    """200,000 addresses over 8 half hours, half of each back in the next; and 60,000 in one."""
    size = 50_000
    for number in range(8):
        first = number * size // 2
        addresses = [f"172.16.{n}" for n in range(first, first + size)]
        pond.arrive(logged([at(30 * number + 1)] * size, ip=addresses))
    pond.close(at(1440), [TRAFFIC])
    found = keyed(pond.read(granularity="1d"))
    for key, row in keyed(recount(pond.lake, granularity="1d")).items():
        assert row["unique_visitors"] == 225_000
        assert agrees("unique_visitors", found[key]["unique_visitors"], 225_000)
    assert all(agrees("unique_visitors", r["unique_visitors"], size) for r in pond.read())


@pytest.mark.slow
def test_sums_of_large_numbers_stop_at_the_largest(pond: Pond) -> None:
    """Twice the largest size is the largest that the column holds, never negative, no failure."""
    pond.arrive(logged([at(1), at(2)], bytes_sent=LARGEST))
    pond.close(at(1440))
    for rollup in ("traffic", "usage"):
        for granularity in ("30m", "1d"):
            assert only(pond, rollup, granularity)["bytes"] == LARGEST
    assert pond.judged().wrong == 0


def test_sums_are_exact_up_to_the_largest(pond: Pond) -> None:
    """No digit is lost on the way through halves and days."""
    pond.arrive(logged([at(1), at(31), at(61)], bytes_sent=[LARGEST - 7, 3, 4]))
    pond.close(at(1440))
    assert only(pond, granularity="1d")["bytes"] == LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, 1e-9, 1e300, LONGEST], ids=str)
def test_a_latency_beyond_reason_spoils_no_window(pond: Pond, value: float) -> None:
    """Every measure is a finite number, the median of the others is right, and verify is clean."""
    pond.arrive(logged([at(n) for n in range(5)], response_time=[value, value, 7.0, 7.0, 7.0]))
    pond.close(at(1440))
    for granularity in ("30m", "1d"):
        row = only(pond, granularity=granularity)
        assert agrees("latency_p50", row["latency_p50"], 7.0)
        assert all(abs(row[f"latency_{of}"]) < float("inf") for of in ("mean", "p95", "p99"))
    assert pond.judged().wrong == 0


@pytest.mark.slow
def test_missing_values_enter_no_measure(pond: Pond) -> None:
    """NULL where no row has the value, else what those that have it say."""
    values = {"response_time": [None, None, 5.0], "bytes_sent": [None, None, 9]}
    pond.arrive(logged([at(1), at(2), at(31)], user=None, app=None, **values))
    pond.close(at(1440))
    without, with_ = pond.read()
    names = ("requests", "latency_mean", "latency_p50", "latency_total", "bytes")
    assert [without[name] for name in names] == [2, None, None, None, None]
    assert [with_[name] for name in names[:2]] == [1, 5.0]
    assert differences(pond.lake) == []


HOSTILE = [
    None,
    "",
    "NULL",
    "it's",
    'say "so"',
    "a\\b",
    "ä/日本/🦆",
    "; DROP TABLE logs",
    "a\nb",
    "%",
]


@pytest.mark.slow
def test_keys_may_be_anything(pond: Pond) -> None:
    """NULL, quotes, other scripts: each its own row, at both granularities, and verify is clean."""
    names = [name for name in HOSTILE for _ in HOSTILE]
    keys = {"user": names, "app": HOSTILE * len(HOSTILE), "endpoint": [n or "-" for n in names]}
    times = [at(n / 2) for n in range(len(names))]
    pond.arrive(logged(times, service=[a or "-" for a in keys["app"]], **keys))
    pond.close(at(30))
    pond.close(at(1440))
    assert len(keyed(pond.read("usage", "1d"), USAGE)) == len(names)
    assert differences(pond.lake) == []
    assert pond.judged().wrong == 0


@pytest.mark.slow
def test_a_bound_belongs_to_the_window_that_it_begins(pond: Pond) -> None:
    """To the microsecond, at half hours and at midnight."""
    before = timedelta(microseconds=1)
    pond.arrive(logged([at(30) - before, at(30), at(1440) - before, at(1440)]))
    pond.close(at(2880))
    assert [row["window_start"] for row in pond.read()] == [at(0), at(30), at(1410), at(1440)]
    assert [row["requests"] for row in pond.read(granularity="1d")] == [3, 1]


@pytest.mark.slow
def test_the_first_day_there_can_be(pond: Pond) -> None:
    """Events of 1970, the first that decoding takes, are counted as any others."""
    first = datetime(1970, 1, 1, tzinfo=UTC)
    pond.arrive(logged([first, first + timedelta(hours=23, minutes=59), DAY]))
    pond.close_by_now()
    assert [row["window_start"].year for row in pond.read(granularity="1d")] == [1970, 2026]
    assert differences(pond.lake) == []
