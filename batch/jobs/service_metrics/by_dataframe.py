"""The numbers by DataFrame: SQL that Spark plans and runs on columns."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from batch.jobs.service_metrics.score import LEAST_HISTORY, LEAST_SPREAD_US, MOST_US
from lakehouse.tables.measures import at_most, micros

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# A response time in whole microseconds, cut where its square would not fit.
RECORD_US = f"floor({at_most('response_time', MOST_US // 1000)} * 1000 + 0.5)"
SQUARE = f"CAST({RECORD_US} AS DECIMAL(13, 0)) * CAST({RECORD_US} AS DECIMAL(13, 0))"
COUNTED = f"""
SELECT service, environment, date_trunc('MINUTE', timestamp) AS minute,
    count(*) AS requests, count_if(is_error) AS errors, count(response_time) AS timed,
    coalesce({micros("response_time")}, 0) AS total_us, coalesce(sum({SQUARE}), 0) AS squares
FROM {{events}}
GROUP BY ALL
"""
SCORED = """
WITH means AS (
    SELECT *, unix_seconds(minute) AS at,
        least(CAST(total_us DIV nullif(timed, 0) AS BIGINT), {most}) AS mean_us
    FROM {{minutes}}
), sums AS (
    SELECT *, count(mean_us) OVER past AS history,
        sum(CAST(mean_us AS DECIMAL(38, 0))) OVER past AS s,
        sum(CAST(mean_us AS DECIMAL(19, 0)) * CAST(mean_us AS DECIMAL(19, 0))) OVER past AS q
    FROM means
    WINDOW past AS (PARTITION BY service, environment ORDER BY at
                    RANGE BETWEEN {seconds} PRECEDING AND 1 PRECEDING)
), spreads AS (
    SELECT *, CASE WHEN history >= {least} THEN
        greatest(sqrt(CAST(history * q - s * s AS DOUBLE) / (history * (history - 1))), {floor}D)
        END AS spread_us
    FROM sums
), scores AS (
    SELECT *, CASE WHEN history >= {least} THEN
        CAST(history * mean_us - s AS DOUBLE) / history / spread_us END AS z
    FROM spreads
)
SELECT service, environment, minute, requests, errors, timed,
    CAST(total_us AS DECIMAL(38, 0)) AS total_us, CAST(squares AS DECIMAL(38, 0)) AS squares,
    CAST(total_us AS DOUBLE) / nullif(timed, 0) / 1000 AS mean_ms, history,
    CASE WHEN history >= {least} THEN CAST(s AS DOUBLE) / history / 1000 END AS expected_ms,
    spread_us / 1000 AS spread_ms, z, coalesce(z >= {threshold}D, false) AS is_spike
FROM scores
"""
SUMMED = """
WITH sums AS (
    SELECT service, environment, sum(requests) AS requests, sum(errors) AS errors,
        sum(timed) AS timed, CAST(sum(total_us) AS DECIMAL(38, 0)) AS total_us,
        CAST(sum(squares) AS DECIMAL(38, 0)) AS squares, count_if(is_spike) AS spikes,
        min(minute) AS first_minute, max(minute) AS last_minute
    FROM {{minutes}} GROUP BY service, environment
)
SELECT service, environment, requests, errors, CAST(errors AS DOUBLE) / requests AS error_rate,
    timed, total_us, squares, CAST(total_us AS DOUBLE) / nullif(timed, 0) / 1000 AS mean_ms,
    CASE WHEN timed >= {least} THEN greatest(sqrt(greatest(CAST(squares AS DOUBLE) -
        CAST(total_us AS DOUBLE) * CAST(total_us AS DOUBLE) / timed, 0D) / (timed - 1)), {floor}D)
        / 1000 END AS spread_ms, spikes, first_minute, last_minute
FROM sums
"""


def minutes(events: DataFrame, window: timedelta, threshold: float) -> DataFrame:
    """A scored row for each minute of a service in an environment."""
    spark = events.sparkSession
    scored = SCORED.format(
        most=MOST_US,
        seconds=int(window.total_seconds()),
        least=LEAST_HISTORY,
        floor=LEAST_SPREAD_US,
        threshold=threshold,
    )
    return spark.sql(scored, minutes=spark.sql(COUNTED, events=events))


def metrics(minutes: DataFrame) -> DataFrame:
    """A row for each service and environment: the sums of its minutes."""
    return minutes.sparkSession.sql(
        SUMMED.format(least=LEAST_HISTORY, floor=LEAST_SPREAD_US), minutes=minutes
    )
