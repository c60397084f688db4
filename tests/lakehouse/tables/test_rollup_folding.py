"""A day made of its half hours says what the day would say, were it counted at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.windows import at, keyed, logged

from lakehouse.duck import connect
from lakehouse.tables.rollups import TRAFFIC, USAGE, Rollup
from lakehouse.windows.count import Count

# The keys of one, which may be NULL, with the measures of both.
EVERY = Rollup("every", "", USAGE.keys, (*TRAFFIC.measures, *USAGE.measures[1:2]))
ROWS = st.lists(
    st.tuples(
        st.integers(0, 1439),
        st.sampled_from([200, 304, 404, 500]),
        st.none() | st.floats(0, 1e6) | st.sampled_from([0.0, 1e300]),
        st.none() | st.integers(0, 2**61),
        st.integers(0, 9).map(lambda n: f"192.0.2.{n}"),
        st.sampled_from([None, "", "ada", "o'hara"]),
        st.sampled_from([None, "web"]),
    ),
    min_size=1,
    max_size=60,
)
NAMES = ("status_code", "response_time", "bytes_sent", "ip", "user", "app")
SHOWN = (
    "requests",
    "client_errors",
    "server_errors",
    "errors",
    "bytes",
    "error_rate",
    "unique_visitors",
    "_latency_histogram",
    "_unique_visitors_hashes",
    "_counted",
    "latency_p50",
    "latency_p95",
    "latency_p99",
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own."""
    with connect() as made:
        yield made


def half_hours(connection: Any, rows: list[tuple[Any, ...]], squeezed: bool = False) -> Any:
    """Windows of rows, each at its minute of the day, or all of them within one half hour."""
    times = [at(minute % 30 if squeezed else minute) for minute, *_ in rows]
    columns = zip(*(values for _, *values in rows), strict=True)
    given = {name: list(values) for name, values in zip(NAMES, columns, strict=True)}
    connection.register("logs", logged(times, **given))
    return Count(connection, 0).windows(EVERY, None, None)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_a_folded_day_is_a_counted_day(connection: Any, rows: list[tuple[Any, ...]]) -> None:
    """Sums, histograms, sets and what follows from them, for keys that may be NULL."""
    folded = Count(connection, 0).days(EVERY, half_hours(connection, rows)).to_pylist()
    counted = half_hours(connection, rows, squeezed=True).to_pylist()
    found, expected = keyed(folded, EVERY), keyed(counted, EVERY)
    assert found.keys() == expected.keys()
    for key, row in found.items():
        assert [row[name] for name in SHOWN] == [expected[key][name] for name in SHOWN]
        assert _near(row["latency_total"], expected[key]["latency_total"])


def _near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else math.isclose(one, other)
