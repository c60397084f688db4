"""`logpond sql` as a person calls it, process start included, on a table of very many commits."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from lakehouse.decode import RAW, Limits, decode
from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.paths import Places
from lakehouse.store import Key, Writer
from lakehouse.tables.catalog import LOGS
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

ROWS = 1_000_000
TIMES = 5
LIMITS = Limits(timedelta(minutes=5), None, 1 << 20)
QUERIES = {
    "count": "SELECT COUNT(*) AS rows FROM logs",
    "errors": "SELECT COUNT(*) AS rows FROM logs WHERE status_code >= 500",
    "by_hour": "SELECT hour, COUNT(*) AS rows, AVG(response_time) AS ms FROM logs GROUP BY hour",
}


def sql(folder: Path, commits: int) -> dict[str, float]:
    """Median seconds of each query over a million rows in `commits` commits."""
    lake = str(folder / "many")
    began = time.monotonic()
    fill(Places.at(lake), commits, ROWS)
    filled = (time.monotonic() - began) / commits
    seconds = {f"{name}_seconds": median(query, lake) for name, query in QUERIES.items()}
    return {"commits": commits, "rows": ROWS, "seconds_a_commit": filled, **seconds}


def fill(
    places: Places,
    commits: int,
    total: int,
    length: timedelta = timedelta(hours=23),
    end: datetime | None = None,
) -> None:
    """So many events of a time that ends now, or then, in its own order."""
    end = end or datetime.now(UTC)
    start = int((end - length).timestamp() * 1e6)
    step, rows = length // timedelta(microseconds=1) // commits, total // commits
    traffic, logs = Traffic(7, start, rows * 1e6 / step, Shares(0, 0, 0)), Writer(places, LOGS)
    for commit in range(commits):
        since = start + commit * step
        values = [value for _, value in traffic.tick(since, since + step, rows)]
        events = decode(raw(values, commit * rows, end), LIMITS).events
        logs.append(brought(events, end, commit), Key("bench/logs", commit))


def raw(values: list[bytes | None], offset: int, when: datetime) -> pa.RecordBatch:
    """Payloads as the broker would have given them."""
    count = len(values)
    columns = [
        pa.array(values, pa.binary()),
        pa.array(["bench"] * count),
        pa.array([0] * count, pa.int32()),
        pa.array(range(offset, offset + count), pa.int64()),
        pa.array([when] * count, UTC_TIMESTAMP),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RAW)


def brought(events: pa.Table, when: datetime, commit: int) -> pa.Table:
    """Events as rows of `logs`."""
    times = pa.repeat(pa.scalar(when, UTC_TIMESTAMP), events.num_rows)
    names = pa.repeat(pa.scalar(f"bench:{commit}"), events.num_rows)
    return events.append_column("_ingested_at", times).append_column("_commit", names)


def median(query: str, lake: str, times: int = TIMES) -> float:
    """Seconds of a query, process start included."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        words = [sys.executable, "-m", "cli", "sql", query, "--lake", lake]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - began)
    return sorted(taken)[times // 2]
