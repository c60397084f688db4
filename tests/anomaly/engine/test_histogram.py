"""Latency histograms are right to 1 %, and add up."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.watched import histogram

from anomaly.engine.histogram import Histograms, bucket_of, buckets_of, value_of
from lakehouse.duck import connect
from lakehouse.tables.measures import BUCKET, VALUE


@given(st.floats(0.01, 1e6))
def test_a_bucket_stands_for_its_values(value: float) -> None:
    """Within 1 %."""
    assert float(value_of(np.array(bucket_of(value)))) == pytest.approx(value, rel=0.0101)


@pytest.mark.parametrize("value", [0.0, -5.0, 1e-300])
def test_what_is_next_to_nothing_has_the_lowest_bucket(value: float) -> None:
    """Zero and less count as 0.01 ms."""
    assert bucket_of(value) == bucket_of(0.01)


@given(st.lists(st.floats(0.01, 1e6), max_size=20))
def test_many_values_have_the_buckets_of_each(values: list[float]) -> None:
    """But for one that lies on the edge of two, which may be in either."""
    found = buckets_of(np.array(values))
    assert np.abs(found - np.array([bucket_of(value) for value in values])).max(initial=0) <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.01, 1.0, 1.02, 37.5, 1000.0, 8.64e7, sys.float_info.max])
def test_the_form_is_that_of_the_windows(value: float) -> None:
    """What SQL counts into `logs_windowed` is read here as it was meant."""
    sql = f"SELECT bucket, {VALUE} FROM (SELECT {BUCKET.format(value)} AS bucket)"
    with connect() as connection:
        ((bucket, stands_for),) = connection.sql(sql).fetchall()
    assert bucket == bucket_of(value)
    assert float(value_of(np.array(bucket))) == pytest.approx(stands_for, rel=1e-12)


@given(st.lists(st.lists(st.floats(0.01, 1e5), max_size=40), min_size=1, max_size=6))
def test_a_quantile_is_the_value_at_its_rank(rows: list[list[float]]) -> None:
    """Within 1 % of the exact one, for each row by itself; NaN for a row without values."""
    found = Histograms.of([histogram(row) for row in rows]).quantile(0.95)

    for row, value in zip(rows, found, strict=True):
        exact = sorted(row)[math.ceil(0.95 * len(row)) - 1] if row else math.nan
        assert value == pytest.approx(exact, rel=0.0101, nan_ok=True)


@given(st.lists(st.lists(st.floats(0.01, 1e5), max_size=30), min_size=2, max_size=6))
def test_merged_is_the_histogram_of_all(rows: list[list[float]]) -> None:
    """All rows in one group are the histogram of all values."""
    merged = Histograms.of([histogram(row) for row in rows]).merged(np.zeros(len(rows), int), 1)
    whole = Histograms.of([histogram([value for row in rows for value in row])])

    np.testing.assert_array_equal(merged.bucket, whole.bucket)
    np.testing.assert_array_equal(merged.count, whole.count)
