"""SQL of DuckDB that compares stored windows with recounted ones. Pure.

`logs`, `stored` (the table), `commits` (of a day) and `recounted` are relations of the connection.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from lakehouse.tables.rollup_sql import COMMIT, MICROSECOND, start
from lakehouse.tables.rollups import HEAD, TAIL, Rollup

NOT_MEASURED = {field.name for field in (*HEAD, *TAIL)}
PRECISION = 1e-9


def late(rollup: Rollup) -> str:
    """The windows for which rows came later: start, rows, and how long after its end the last."""
    return (
        "SELECT make_timestamptz(began), CAST(sum(n) AS BIGINT), max(newest) - "
        f"make_timestamptz(began + {rollup.window // MICROSECOND}) "
        "FROM commits WHERE NOT is_counted GROUP BY began ORDER BY began"
    )


def commits(rollup: Rollup, day: date, within: str) -> str:
    """Which commits brought rows to each window of a day, and whether it counted them."""
    began = start("timestamp", rollup.window)
    return (
        f"WITH seen AS (SELECT {began} AS began, _commit, count(*) AS n, "
        f"max(_ingested_at) AS newest FROM logs WHERE {within} GROUP BY ALL), "
        f"named AS (SELECT *, {COMMIT} AS c FROM seen), "
        "counted AS (SELECT began, e.key AS writer, e.value AS batch FROM (SELECT DISTINCT "
        "epoch_us(window_start) AS began, unnest(map_entries(_counted)) AS e FROM stored "
        f"WHERE {rows_of(rollup.granularity, day)})) "
        "SELECT n.began, n._commit, n.n, n.newest, "
        "coalesce(try_cast(n.c.batch AS BIGINT), 0) <= coalesce(k.batch, -1) AS is_counted "
        "FROM named AS n LEFT JOIN counted AS k ON k.began = n.began AND k.writer = n.c.writer"
    )


def counted_events(rollup: Rollup) -> str:
    """The rows of `logs` that the windows of the day say they counted."""
    began = start("timestamp", rollup.window)
    return (
        f"(SELECT logs.* FROM logs JOIN commits ON commits.began = {began} "
        "AND commits._commit = logs._commit WHERE is_counted)"
    )


def rows_of(granularity: str, day: date) -> str:
    """The rows of a day in the table."""
    return f"granularity = '{granularity}' AND date = DATE '{day}'"


def different(
    rollup: Rollup, known: set[str], granularity: str, day: date, is_one: str = "true"
) -> str:
    """Returns the windows that are only on one side, or differ in a measure.

    Of stored ones those are looked at for which `is_one`.

    A measure that no row of a window has was added after it was closed, and is not compared.
    """
    measures = [f for f in rollup.columns if f.name in known - NOT_MEASURED - {*rollup.keys}]
    same_keys = "".join(f' AND s."{key}" IS NOT DISTINCT FROM r."{key}"' for key in rollup.keys)
    filled = ", ".join(f"count({f.name}) > 0 AS {f.name}" for f in measures)
    differs = "".join(f" OR (f.{f.name} AND {_differs(f)})" for f in measures)
    return (
        f"WITH s AS (SELECT * FROM stored WHERE {rows_of(granularity, day)} AND {is_one}), "
        f"f AS (SELECT window_start, {filled} FROM s GROUP BY window_start) "
        "SELECT DISTINCT coalesce(s.window_start, r.window_start) AS window_start "
        f"FROM s FULL JOIN recounted AS r ON s.window_start = r.window_start{same_keys} "
        "LEFT JOIN f ON f.window_start = s.window_start "
        f"WHERE s.granularity IS NULL OR r.granularity IS NULL{differs} ORDER BY 1"
    )


def _differs(field: pa.Field) -> str:
    """Returns SQL that compares a column: sums exactly, quotients and quantiles up to rounding."""
    stored, recounted = f"s.{field.name}", f"r.{field.name}"
    if not pa.types.is_floating(field.type):
        return f"{stored} IS DISTINCT FROM {recounted}"
    near = f"abs({stored} - {recounted}) <= {PRECISION} * abs({recounted})"
    return f"NOT coalesce({near}, {stored} IS NULL AND {recounted} IS NULL)"
