"""A live stream: what a small micro-batch costs, and how fresh its rows are."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from benchmarks.ours import Batch, Ingest, ingest
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection

WARM_SECONDS = 40
NO_WINDOWS = {"LOGPOND_WINDOWS_TRIGGER_SECONDS": "604800"}

FRESHNESS = """
SELECT quantile_cont(lag, [0.5, 0.95, 0.99]) FROM (
    SELECT epoch(to_timestamp(c.moment / 1000.0)) - epoch(l._kafka_timestamp) AS lag
    FROM logs AS l JOIN commits AS c ON l._commit = c.name)
"""


def live(
    bootstrap: str, topic: str, folder: Path, rate: int, seconds: int, windows: bool = True
) -> dict[str, float]:
    """Ingest `rate` events/s for `seconds` after a warm-up; figures of the warm part.

    The windows query runs beside it, unless it is told to look once in a week.
    """
    kafka.create(Connection(bootstrap), topic, 4)
    lake, other = str(folder / topic), {} if windows else NO_WINDOWS
    with (
        ingest(bootstrap, topic, lake, environment=other) as running,
        producing(bootstrap, topic, lake, rate),
    ):
        warm, jobs = _measured(running, seconds)
    small = [batch for batch in warm[1:] if batch.rows]
    used = small[-1].usage - warm[0].usage
    p50, p95, p99 = freshness(lake, warm[0].at)
    return {
        "batches": len(small),
        "rows_a_batch": sum(b.rows for b in small) / len(small),
        "seconds_a_batch": sum(b.seconds for b in small) / len(small),
        "cpu_seconds_a_batch": used.total / len(small),
        "cores": used.total / (small[-1].at - warm[0].at),
        "jobs_a_batch": jobs["ingest"] / len(small),
        "jobs_of_windows": jobs["windows"],
        "freshness_p50": p50,
        "freshness_p95": p95,
        "freshness_p99": p99,
        "peak_mb": running.meter.peak_bytes / 2**20,
    }


def producing(
    bootstrap: str, topic: str, lake: str, rate: int, *more: str
) -> subprocess.Popen[str]:
    """Starts the producer, for the length of a `with` block."""
    words = ["--bootstrap", bootstrap, "--topic", topic, "--lake", lake, "--rate", str(rate)]
    command = [sys.executable, "-m", "producer", *words, *more, "--duration", "10m"]
    return Stopped(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


class Stopped(subprocess.Popen[str]):
    """A process that ends with its block."""

    def __exit__(self, *_error: object) -> None:
        self.terminate()
        self.wait()


def _measured(running: Ingest, seconds: int) -> tuple[list[Batch], Counter[str]]:
    """Batches after the warm-up, and the Spark jobs of each query meanwhile."""
    warm: list[Batch] = []
    began, jobs = 0.0, Counter[str]()
    for batch in running.batches():
        began = began or time.time()
        if time.time() - began < WARM_SECONDS:
            continue
        warm.append(batch)
        if len(warm) == 1:
            jobs = _jobs(running.spark_ui)
        if time.time() - began > WARM_SECONDS + seconds:
            break
    return warm, _jobs(running.spark_ui) - jobs


def _jobs(spark_ui: str) -> Counter[str]:
    """How many Spark jobs each query has run, as far as the UI keeps them."""
    api = f"{spark_ui}/api/v1/applications"
    application = json.load(urllib.request.urlopen(api))[0]["id"]
    jobs = json.load(urllib.request.urlopen(f"{api}/{application}/jobs"))
    named = (job.get("description", "").split("\n")[0].split("<")[0] for job in jobs)
    return Counter(named)


def freshness(lake: str, since: float) -> tuple[float, float, float]:
    """Seconds from the broker's time of a row to the commit that brought it: p50, p95, p99."""
    table = DeltaTable(f"{lake}/logs")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE commits (name VARCHAR, moment BIGINT)")
        connection.executemany("INSERT INTO commits VALUES (?, ?)", commits(table, since))
        connection.register("logs", table.to_pyarrow_table(columns=["_commit", "_kafka_timestamp"]))
        ((quantiles,),) = connection.execute(FRESHNESS).fetchall()
    return quantiles[0], quantiles[1], quantiles[2]


def commits(table: DeltaTable, since: float = 0.0) -> list[tuple[str, int]]:
    """The names of our commits after a time [s], as rows carry them, and their times [ms]."""
    return [
        (_name(entry), entry["timestamp"])
        for entry in table.history()
        if "logpond" in entry and entry["timestamp"] > since * 1000
    ]


def _name(entry: dict[str, str]) -> str:
    """The name of a commit as rows carry it."""
    note = json.loads(entry["logpond"])
    return f"{note['writer'].split('/')[0]}:{note['batch']}"
