"""SQL of a rollup, in DuckDB's words: events or rows to parts, parts to rows. Pure.

Parts are small tables that add up: sums by window and keys, buckets and hashes by window and keys,
and which commits and offsets of `logs` were counted. `began` is a window's start in microseconds.
"""

from __future__ import annotations

from datetime import timedelta

from lakehouse.tables.measures import (
    BUCKET,
    HASH,
    HASH_SPACE,
    HASHES_KEPT,
    VALUE,
    Distinct,
    Distribution,
)
from lakehouse.tables.rollups import DAY, Rollup

MICROSECOND = timedelta(microseconds=1)
# <writer>:<batch>, as each row of logs says which commit brought it.
COMMIT = r"regexp_extract(_commit, '^(.*?)(?::(\d+))?$', ['writer', 'batch'])"


def start(column: str, window: timedelta) -> str:
    """The start of the window that a time lies in, in microseconds."""
    size = window // MICROSECOND
    return f"epoch_us({column}) // {size} * {size}"


def parts_of_events(rollup: Rollup, events: str) -> dict[str, str]:
    """Queries, by part, that count events by window."""
    at, keys = start("timestamp", rollup.window), names(rollup)
    sums = ", ".join(f"{s.counted} AS {s.name}" for s in rollup.sums)
    parts = {"sums": f"SELECT {at} AS began, {keys}, {sums} FROM {events} GROUP BY ALL"}
    for spread in rollup.distributions:
        bucket = BUCKET.format(spread.column)
        parts[spread.name] = (
            f"SELECT {at} AS began, {keys}, {bucket} AS bucket, count(*) AS n FROM {events} "
            f"WHERE {spread.column} IS NOT NULL GROUP BY ALL"
        )
    for each in rollup.sets:
        values = f"SELECT DISTINCT {at} AS began, {keys}, {each.column} AS value FROM {events}"
        parts[each.name] = (
            f"SELECT began, {keys}, {HASH.format('value')} AS hash FROM ({values}) "
            "WHERE value IS NOT NULL"
        )
    parts["counted"] = (
        "SELECT began, c.writer, coalesce(try_cast(c.batch AS BIGINT), 0) AS batch, "
        "concat(_topic, '/', _partition) AS place, upto FROM (SELECT *, "
        f"{COMMIT} AS c FROM (SELECT {at} AS began, _commit, _topic, _partition, "
        f"max(_offset) + 1 AS upto FROM {events} GROUP BY ALL))"
    )
    return parts


def parts_of_rows(rollup: Rollup, rows: str) -> dict[str, str]:
    """Queries, by part, that fold rows of windows by day."""
    at, keys = start("window_start", DAY), names(rollup)
    sums = ", ".join(f"{s.folded} AS {s.name}" for s in rollup.sums)
    parts = {"sums": f"SELECT {at} AS began, {keys}, {sums} FROM {rows} GROUP BY ALL"}
    for spread in rollup.distributions:
        unnested = f"unnest(map_entries({spread.histogram})) AS e"
        parts[spread.name] = (
            f"SELECT began, {keys}, e.key AS bucket, e.value AS n "
            f"FROM (SELECT {at} AS began, {keys}, {unnested} FROM {rows})"
        )
    for each in rollup.sets:
        parts[each.name] = (
            f"SELECT {at} AS began, {keys}, unnest({each.hashes}) AS hash FROM {rows}"
        )
    parts["counted"] = (
        f"SELECT began, e.key AS writer, e.value AS batch, NULL AS place, NULL AS upto "
        f"FROM {_entries('_counted', at, rows)} UNION ALL SELECT began, NULL, NULL, e.key, e.value "
        f"FROM {_entries('_end_offsets', at, rows)}"
    )
    return parts


def rows_of_parts(rollup: Rollup, granularity: str, version: int) -> str:
    """The query that makes the rows of a table out of parts, which are tables named as they are."""
    window = (DAY if granularity == "1d" else rollup.window) // MICROSECOND
    columns = [
        f"'{granularity}' AS granularity",
        "CAST(make_timestamptz(s.began) AS DATE) AS date",
        "make_timestamptz(s.began) AS window_start",
        f"make_timestamptz(s.began + {window}) AS window_end",
        *(f's."{key}"' for key in rollup.keys),
        *_measured(rollup),
        f"CAST({version} AS BIGINT) AS logs_version",
        "CAST(0 AS INTEGER) AS revision",
        "CAST(NULL AS TIMESTAMPTZ) AS corrected_at",
        "_counted",
        "_end_offsets",
    ]
    joined = "".join(_joined(rollup, f'"{part}_result"') for part in _result_parts(rollup))
    results = [*_queries(rollup), f"counted_result AS ({_counted()})"]
    return (
        f"WITH {', '.join(results)} SELECT {', '.join(columns)} FROM sums AS s {joined} "
        "LEFT JOIN counted_result AS c ON c.began = s.began"
    )


def _entries(column: str, at: str, rows: str) -> str:
    return f"(SELECT DISTINCT {at} AS began, unnest(map_entries({column})) AS e FROM {rows})"


def names(rollup: Rollup, table: str = "") -> str:
    """The keys, quoted and separated by commas."""
    return ", ".join(f'{table}"{key}"' for key in rollup.keys)


def _result_parts(rollup: Rollup) -> list[str]:
    return [spread.name for spread in rollup.distributions] + [each.name for each in rollup.sets]


def _measured(rollup: Rollup) -> list[str]:
    """Each column of a measure, in the order of the table."""
    results = {
        measure.name: measure.result
        for measure in (*rollup.measures, *rollup.sums)
        if not isinstance(measure, Distribution | Distinct)
    }
    results |= {d.mean: _mean(d) for d in rollup.distributions}
    fields = [field.name for measure in rollup.measures for field in measure.fields]
    return [f"{results[name]} AS {name}" if name in results else name for name in fields]


def _mean(spread: Distribution) -> str:
    total = spread.total
    return f"CAST(s.{total.name} AS DOUBLE) / {total.scale} / nullif({spread.name}_n, 0)"


def _joined(rollup: Rollup, part: str) -> str:
    same = " AND ".join(f's."{key}" IS NOT DISTINCT FROM {part}."{key}"' for key in rollup.keys)
    return f"LEFT JOIN {part} ON {part}.began = s.began AND {same} "


def _queries(rollup: Rollup) -> list[str]:
    spreads = [f'"{d.name}_result" AS ({_spread(rollup, d)})' for d in rollup.distributions]
    return spreads + [f'"{s.name}_result" AS ({_set(rollup, s)})' for s in rollup.sets]


def _spread(rollup: Rollup, spread: Distribution) -> str:
    """The histogram of each window and key, and the quantiles in it."""
    group = f"began, {names(rollup)}"
    quantiles = ", ".join(f"{_quantile(q)} AS {spread.name}_p{q}" for q in spread.quantiles)
    return (
        f"SELECT {group}, map(list(bucket ORDER BY bucket), list(n ORDER BY bucket)) "
        f"AS {spread.histogram}, sum(n) AS {spread.name}_n, {quantiles} FROM ("
        f"SELECT *, {VALUE} AS value, sum(n) OVER (PARTITION BY {group} ORDER BY bucket) AS upto, "
        f"sum(n) OVER (PARTITION BY {group}) - 1 AS last FROM (SELECT {group}, bucket, "
        f'CAST(sum(n) AS BIGINT) AS n FROM "{spread.name}" GROUP BY ALL)) GROUP BY {group}'
    )


def _quantile(percent: int) -> str:
    """Linear between the values at the ranks around it, counted from 0 to `last`."""
    rank = f"any_value(last) * {percent / 100}"
    low, high = (
        f"min(value) FILTER (upto > {side}(last * {percent / 100}))" for side in ("floor", "ceil")
    )
    return f"{low} + ({high} - {low}) * ({rank} - floor({rank}))"


def _set(rollup: Rollup, each: Distinct) -> str:
    """The smallest hashes of each window and key, and how many values they stand for."""
    group = f"began, {names(rollup)}"
    estimate = f"CAST(round({HASHES_KEPT - 1} * ({HASH_SPACE} / max(hash))) AS BIGINT)"
    smallest = (
        f'SELECT * FROM (SELECT DISTINCT {group}, hash FROM "{each.name}") QUALIFY '
        f"row_number() OVER (PARTITION BY {group} ORDER BY hash) <= {HASHES_KEPT}"
    )
    return (
        f"SELECT {group}, list(hash ORDER BY hash) AS {each.hashes}, CASE WHEN count(*) < "
        f"{HASHES_KEPT} THEN count(*) ELSE {estimate} END AS {each.name} "
        f"FROM ({smallest}) GROUP BY {group}"
    )


def _counted() -> str:
    """The newest batch of each writer, and one past the last offset of each partition."""
    return (
        "SELECT w.began, _counted, _end_offsets FROM (SELECT began, map(list(writer ORDER BY "
        "writer), list(batch ORDER BY writer)) AS _counted FROM (SELECT began, writer, max(batch) "
        "AS batch FROM counted WHERE writer IS NOT NULL GROUP BY ALL) GROUP BY began) AS w "
        "LEFT JOIN (SELECT began, map(list(place ORDER BY place), list(upto ORDER BY place)) "
        "AS _end_offsets FROM (SELECT began, place, max(upto) AS upto FROM counted "
        "WHERE place IS NOT NULL GROUP BY ALL) GROUP BY began) AS p ON p.began = w.began"
    )
