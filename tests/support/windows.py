"""Builders: `logs` that grow commit by commit, windows closed over them, and recounts by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.paths import Places
from lakehouse.query.ask import NOW, Moment, ask
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import ROLLUPS, TRAFFIC, WATERMARK, WINDOWS, Rollup
from lakehouse.windows.check import (
    Checked,
    WindowsVerdict,
    check,
    checked_from,
    rollups_of,
    verdict_of,
)
from lakehouse.windows.close import Closed, close
from lakehouse.windows.definition import prepare
from lakehouse.windows.recount import closed_by_now, reconcile

DAY = datetime(2026, 4, 29, tzinfo=UTC)
SECONDS = {"30m": 1800, "1d": 86_400}
USUAL = events([0]).to_pylist()[0]
OFFSETS = itertools.count()
# By hand, and by other means than the project's own SQL: exact quantiles, exact sets.
RECOUNTS = {
    "traffic": """
        SELECT to_timestamp(floor(epoch(timestamp) / {seconds}) * {seconds}) AS window_start,
            service, endpoint, count(*) AS requests,
            count(*) FILTER (status_code // 100 = 4) AS client_errors,
            count(*) FILTER (status_code // 100 = 5) AS server_errors,
            avg(CAST(status_code >= 400 AS INT)) AS error_rate,
            avg(response_time) AS latency_mean,
            quantile_cont(response_time, 0.5) AS latency_p50,
            quantile_cont(response_time, 0.95) AS latency_p95,
            quantile_cont(response_time, 0.99) AS latency_p99,
            sum(bytes_sent) AS bytes, count(DISTINCT ip) AS unique_visitors
        FROM logs GROUP BY ALL""",
    "usage": """
        SELECT to_timestamp(floor(epoch(timestamp) / {seconds}) * {seconds}) AS window_start,
            "user", app, count(*) AS requests, count(*) FILTER (status_code >= 400) AS errors,
            sum(bytes_sent) AS bytes, sum(response_time) AS total_response_time
        FROM logs GROUP BY ALL""",
}
WITHIN = {"latency_p50": 0.02, "latency_p95": 0.02, "latency_p99": 0.02, "unique_visitors": 0.02}
EXACT_BELOW = 32_768
Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]


def at(minutes: float, day: datetime = DAY) -> datetime:
    """A time so many minutes into the first day."""
    return day + timedelta(minutes=minutes)


def logged(times: Sequence[datetime], **columns: Any) -> pa.Table:
    """Rows of `logs` at these times; each column has a value for all of them, or a list."""
    codes = _each(columns.get("status_code", 200), len(times))
    severities = _each(columns.get("severity_number"), len(times))
    own = {
        "timestamp": list(times),
        "date": [time.date() for time in times],
        "hour": [time.hour for time in times],
        "is_error": [
            (code or 0) >= 400 or (severity or 0) >= 17
            for code, severity in zip(codes, severities, strict=True)
        ],
        "_offset": [next(OFFSETS) for _ in times],
    }
    given = {**USUAL, **columns, **own}
    arrays = [pa.array(_each(given.get(f.name), len(times)), f.type) for f in LOGS.columns]
    return pa.Table.from_arrays(arrays, schema=LOGS.columns)


def _each(value: Any, count: int) -> list[Any]:
    return value if isinstance(value, list) else [value] * count


def judge(places: Places, tables: Mapping[str, DeltaTable], logs: DeltaTable) -> WindowsVerdict:
    """What a recount of all closed windows finds."""
    found = (
        check(places, ROLLUPS[name], table, logs, checked_from(table, logs))
        for name, table in tables.items()
    )
    return verdict_of([day for days in found for day in days])


@dataclass
class Pond:
    """A lake whose `logs` grow by the commits of one writer at a time."""

    lake: Lake
    writer: str = "ingest"
    batch: int = 0

    def arrive(self, rows: pa.Table, writer: str = "", batch: int | None = None) -> None:
        """One commit of rows, stamped with writer and batch."""
        writer, number = writer or self.writer, self.batch if batch is None else batch
        name = LOGS.columns.get_field_index("_commit")
        stamp = pa.array([f"{writer}:{number}"] * rows.num_rows, pa.string())
        stamped = rows.set_column(name, LOGS.columns.field(name), stamp)
        store.Writer(self.lake.places, LOGS).append(stamped, store.Key(writer, number))
        self.batch += 1

    def close(self, until: datetime, rollups: Iterable[Rollup] = WINDOWS) -> list[Closed]:
        """Close every window up to a time, as the stream would once its watermark is there."""
        done = []
        for rollup in rollups:
            prepare(self.lake.places, rollup, WATERMARK)
            done += close(self.lake.places, rollup, until)
        return done

    def close_by_now(self, rollups: Iterable[Rollup] = WINDOWS) -> list[Closed]:
        """Close what the newest event closes."""
        logs = store.open_table(self.lake.places, LOGS)
        return self.close(closed_by_now(logs, WATERMARK), rollups)

    def reconcile(self) -> list[Checked]:
        """Mend every rollup; what was found."""
        places = self.lake.places
        return [day for rollup in WINDOWS for day in reconcile(places, rollup, WATERMARK)]

    def judged(self) -> WindowsVerdict:
        """What `verify` says of the windows."""
        tables = rollups_of(self.lake.places)
        logs = store.open_table(self.lake.places, LOGS)
        return judge(self.lake.places, tables, logs)

    def read(self, rollup: str = "traffic", granularity: str = "30m", **more: Any) -> list[Row]:
        """The rows of a rollup as a reader gets them, closed and open."""
        return read(self.lake, rollup, granularity, **more)


def read(
    lake: Lake,
    rollup: str = "traffic",
    granularity: str = "30m",
    moment: Moment = NOW,
    spark: Any = None,
) -> list[Row]:
    """The rows of a rollup as `logpond sql` gives them."""
    query = f"SELECT * FROM {rollup} WHERE granularity = '{granularity}' ORDER BY ALL"
    found: list[Row] = ask(lake.places, query, moment, spark and (lambda: spark)).to_pylist()
    return found


def recount(lake: Lake, rollup: str = "traffic", granularity: str = "30m") -> list[Row]:
    """The rows that a rollup should have, out of all of `logs`."""
    rows = store.open_table(lake.places, LOGS).to_pyarrow_table()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("logs", rows)
        query = RECOUNTS[rollup].format(seconds=SECONDS[granularity])
        found: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
    return found


def differences(lake: Lake, rollups: Iterable[Rollup] = WINDOWS) -> list[str]:
    """Every way in which rollups as read differ from recounts by hand, at both granularities."""
    return [
        f"{rollup.name} {granularity}: {fault}"
        for rollup in rollups
        for granularity in SECONDS
        for fault in unequal(
            keyed(read(lake, rollup.name, granularity), rollup),
            keyed(recount(lake, rollup.name, granularity), rollup),
        )
    ]


def keyed(rows: Iterable[Row], rollup: Rollup = TRAFFIC) -> Rows:
    """Rows by window and keys; each once."""
    rows = list(rows)
    found = {tuple(row[name] for name in ("window_start", *rollup.keys)): row for row in rows}
    assert len(found) == len(rows), "a window is there twice"
    return found


def unequal(rows: Rows, expected: Rows) -> list[str]:
    """What differs, in words."""
    return [
        *(f"not there: {key}" for key in expected.keys() - rows.keys()),
        *(f"from nowhere: {key}" for key in rows.keys() - expected.keys()),
        *(
            f"{key} {name}: {rows[key][name]}, not {value}"
            for key in expected.keys() & rows.keys()
            for name, value in expected[key].items()
            if not agrees(name, rows[key][name], value)
        ),
    ]


def agrees(name: str, found: Any, expected: Any) -> bool:
    """Whether a value is what it has to be: exact, but for quantiles and large sets."""
    if found is None or expected is None:
        return found is expected
    if name not in WITHIN or (name == "unique_visitors" and expected < EXACT_BELOW):
        is_sum = isinstance(expected, float)
        # latencies are added up in microseconds
        return math.isclose(found, expected, abs_tol=1e-3) if is_sum else bool(found == expected)
    return math.isclose(found, expected, rel_tol=WITHIN[name], abs_tol=0.01)


def tampered(lake: Lake, where: str, rollup: str = "traffic", **values: str) -> None:
    """Change stored rows behind everybody's back; values are SQL."""
    found = store.open_table(lake.places, rollup).update(updates=values, predicate=where)
    assert found["num_updated_rows"]


def stored(lake: Lake, rollup: str = "traffic") -> pa.Table:
    """The rows of the table as it lies there, in order."""
    rows = store.open_table(lake.places, rollup).to_pyarrow_table()
    order = ["granularity", "window_start", *ROLLUPS[rollup].keys]
    return rows.take(pc.sort_indices(rows, [(name, "ascending") for name in order]))


def measured(lake: Lake, rollup: str = "traffic") -> list[Row]:
    """The same without where in `logs` it was counted."""
    where = ["logs_version", "_end_offsets", "revision", "corrected_at"]
    return stored(lake, rollup).drop_columns(where).to_pylist()
