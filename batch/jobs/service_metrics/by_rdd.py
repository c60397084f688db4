"""The same numbers by RDD: plain Python on rows, which Spark only moves and groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

from batch.jobs.service_metrics.score import MOST_US, mean_us, scores, spread_ms
from lakehouse.tables.measures import LONGEST_MS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Key = tuple[str, str | None]
MINUTE_SCHEMA = """service string, environment string, minute timestamp, requests long,
    errors long, timed long, total_us decimal(38, 0), squares decimal(38, 0), mean_ms double,
    history long, expected_ms double, spread_ms double, z double, is_spike boolean"""
METRIC_SCHEMA = """service string, environment string, requests long, errors long,
    error_rate double, timed long, total_us decimal(38, 0), squares decimal(38, 0),
    mean_ms double, spread_ms double, spikes long,
    first_minute timestamp, last_minute timestamp"""
NEEDED = (
    "service",
    "environment",
    "unix_seconds(timestamp) AS second",
    "response_time",
    "is_error",
)
# seconds, as Python would turn times into those of its own zone
SUMMED = (
    "service",
    "environment",
    "requests",
    "errors",
    "timed",
    "total_us",
    "squares",
    "int(is_spike) AS spikes",
    "unix_seconds(minute) AS at",
)


class Sums(NamedTuple):
    """What is added up: counts, response times in whole microseconds, and their squares."""

    requests: int
    errors: int
    timed: int
    total_us: int
    squares: int


def minutes(events: DataFrame, window: timedelta, threshold: float) -> DataFrame:
    """A scored row for each minute of a service in an environment."""
    counted = events.selectExpr(*NEEDED).rdd.map(_of_event).reduceByKey(_added)
    by_key = counted.map(lambda one: (one[0][:2], (one[0][2], one[1]))).groupByKey()
    rows = by_key.flatMap(lambda one: _scored(one[0], one[1], window, threshold))
    return events.sparkSession.createDataFrame(rows, MINUTE_SCHEMA)


def metrics(minutes: DataFrame) -> DataFrame:
    """A row for each service and environment: the sums of its minutes."""
    parts = minutes.selectExpr(*SUMMED).rdd.map(_of_minute)
    rows = parts.reduceByKey(_joined).map(_metric)
    return minutes.sparkSession.createDataFrame(rows, METRIC_SCHEMA)


def _of_event(row: Any) -> tuple[tuple[str, str | None, int], Sums]:
    service, environment, second, response_time, is_error = row
    took = 0 if response_time is None else _micros(response_time)
    key = (service, environment, second - second % 60)
    return key, Sums(
        1, int(is_error), int(response_time is not None), took, min(took, MOST_US) ** 2
    )


def _micros(response_time: float) -> int:
    """As lakehouse.tables.measures.micros has it in SQL."""
    return math.floor(min(response_time, LONGEST_MS) * 1000 + 0.5)


def _added(one: Sums, other: Sums) -> Sums:
    return Sums(*map(add, one, other))


def _scored(
    key: Key, parts: Iterable[tuple[int, Sums]], window: timedelta, threshold: float
) -> Iterator[tuple[Any, ...]]:
    ordered = sorted(parts)
    means = [(at, mean_us(sums.total_us, sums.timed)) for at, sums in ordered]
    for (at, sums), score in zip(ordered, scores(means, window), strict=True):
        is_spike = score.z is not None and score.z >= threshold
        yield (*key, datetime.fromtimestamp(at, UTC), *_columns(sums), *score, is_spike)


def _columns(sums: Sums) -> tuple[Any, ...]:
    mean_ms = float(sums.total_us) / sums.timed / 1000 if sums.timed else None
    return (*sums[:3], Decimal(sums.total_us), Decimal(sums.squares), mean_ms)


def _of_minute(row: Any) -> tuple[Key, Any]:
    service, environment, requests, errors, timed, total_us, squares, spikes, at = row
    sums = Sums(requests, errors, timed, int(total_us), int(squares))
    return (service, environment), (sums, spikes, at, at)


def _joined(one: Any, other: Any) -> Any:
    return (
        _added(one[0], other[0]),
        one[1] + other[1],
        min(one[2], other[2]),
        max(one[3], other[3]),
    )


def _metric(part: tuple[Key, Any]) -> tuple[Any, ...]:
    key, (sums, spikes, first, last) = part
    requests, errors, *rest = _columns(sums)
    span = [datetime.fromtimestamp(at, UTC) for at in (first, last)]
    spread = spread_ms(sums.timed, sums.total_us, sums.squares)
    return (*key, requests, errors, errors / requests, *rest, spread, spikes, *span)
