"""`make bench-s3`: a lake in a bucket, next to the plain consumer that writes to the same store.

The store (SeaweedFS), the broker and all that is measured share this machine. Requests are counted
by the store itself, for each bucket: ours is `lake`, the consumer's is `peer`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
from deltalake import write_deltalake
from support.bucket import ObjectServer, object_server

from benchmarks import backlog, sql, topic
from benchmarks.figures import Run
from benchmarks.live import freshness, producing
from benchmarks.long_log import events, long_log, uploaded
from benchmarks.ours import Batch, Ingest, ingest
from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store import Key, Writer, files
from lakehouse.tables.catalog import LOGS

WARM_SECONDS, TRIGGER = 25, 2
KINDS = ("PUT", "COPY", "GET", "LIST", "DELETE")
ROWS, FILES, ACTIVE = 1_000_000, 5_000, 150
MEASURED = 52  # commits, so that one of them makes a checkpoint
SQL_TIMES = 3
PLAIN_COUNT = """
import sys, duckdb
from deltalake import DeltaTable
logs = DeltaTable(sys.argv[1]).to_pyarrow_dataset()
print(duckdb.sql("SELECT count(*) FROM logs").fetchall())
"""


@dataclass
class Follower:
    """The plain consumer beside a live stream, a commit every two seconds."""

    process: subprocess.Popen[str]
    batches: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        self.batches.extend(map(json.loads, self.process.stdout))


@contextmanager
def following(bootstrap: str, name: str) -> Iterator[Follower]:
    """A plain consumer of a topic, which is killed at the end."""
    words = [sys.executable, "-m", "benchmarks.peer", bootstrap, name, f"s3://peer/{name}"]
    command = [*words, "100000", str(TRIGGER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Follower(process)
        finally:
            process.kill()


def requests(counted: Counter[str], times: int) -> dict[str, float]:
    """How many requests of each kind there were a time, and in all."""
    each = {f"{kind}_requests": counted[kind] / times for kind in KINDS if counted[kind]}
    return {**each, "requests": counted.total() / times}


def live(
    server: ObjectServer, bootstrap: str, rate: int, seconds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Both at once, on one topic; figures of so many seconds after a warm-up."""
    name, lake = f"live-{rate}", f"s3://lake/live-{rate}"
    kafka.create(Connection(bootstrap), name, 4)
    with (
        ingest(bootstrap, name, lake) as running,
        following(bootstrap, name) as peer,
        producing(bootstrap, name, lake, rate, "--malformed", "0"),
    ):
        until_warm(running)
        before = [server.requests(bucket) for bucket in ("lake", "peer")]
        began = time.time()
        warm = [batch for batch in batches_of(running, seconds) if batch.rows]
        ended = time.time()
        ours, others = (
            server.requests(bucket) - counted
            for bucket, counted in zip(("lake", "peer"), before, strict=True)
        )
        theirs = [batch for batch in peer.batches if began < batch["at"] <= ended]
    p50, p95, p99 = freshness(lake, began)
    return {
        "batches": len(warm),
        "seconds_a_batch": sum(batch.seconds for batch in warm) / len(warm),
        "cores": (warm[-1].usage - warm[0].usage).total / (warm[-1].at - warm[0].at),
        "freshness_p50": p50,
        "freshness_p95": p95,
        "freshness_p99": p99,
        **requests(ours, len(warm)),
    }, _consumer(theirs, others)


def until_warm(running: Ingest) -> None:
    """Waits from the first batch on."""
    began = 0.0
    for _ in running.batches():
        began = began or time.time()
        if time.time() - began > WARM_SECONDS:
            return


def batches_of(running: Ingest, seconds: int) -> Iterator[Batch]:
    """The batches of so many seconds."""
    began = time.time()
    for batch in running.batches():
        yield batch
        if time.time() - began > seconds:
            return


def _consumer(batches: list[dict[str, Any]], counted: Counter[str]) -> dict[str, float]:
    lags = sorted(lag for batch in batches for lag in batch["lags"])
    first, last = batches[0], batches[-1]
    return {
        "batches": len(batches),
        "cores": (last["cpu"] - first["cpu"]) / (last["at"] - first["at"]),
        **{f"freshness_p{share}": lags[len(lags) * share // 100] for share in (50, 95, 99)},
        **requests(counted, len(batches)),
    }


def commits(server: ObjectServer, folder: Path, before: int) -> dict[str, float]:
    """A commit of one file to a new table, and to one of `before` commits; so does the consumer."""
    long_log(Places.at(f"{folder}/long"), before, ACTIVE, 100)
    uploaded(folder / "long", "s3://lake/long")
    uploaded(folder / "long", "s3://peer/long")
    ours, theirs = partial(server.requests, "lake"), partial(server.requests, "peer")
    return {
        **_costs("new", _committing("s3://lake/new"), ours),
        **_costs("late", _committing("s3://lake/long"), ours),
        **_costs("plain_consumer_late", _appending("s3://peer/long/logs"), theirs),
    }


def _committing(lake: str) -> Callable[[int], object]:
    """Returns what commits, as the driver does: its files are there already."""
    places = Places.at(lake)
    writer, rows = Writer(places, LOGS), events(100, datetime.now(UTC))
    made = files.write(LOGS, rows, places.table(LOGS), "file")
    return lambda number: writer.commit(made, Key("bench/logs", number))


def _appending(table: str) -> Callable[[int], object]:
    """Returns what commits as the plain consumer does, which writes its file then."""
    rows, by = events(100, datetime.now(UTC)), ["date", "hour"]
    return lambda _: write_deltalake(
        table, rows, mode="append", partition_by=by, schema_mode="merge"
    )


def _costs(
    name: str, commit: Callable[[int], object], counted: Callable[[], Counter[str]]
) -> dict[str, float]:
    before, taken, cpu = counted(), list[float](), list[float]()
    for number in range(MEASURED):
        began, used = time.perf_counter(), time.process_time()
        commit(number)
        taken.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.process_time() - used))
    figures = {"ms": median(taken), "cpu_ms": median(cpu), "worst_ms": max(taken)}
    each = requests(counted() - before, MEASURED)
    return {f"{name}_{figure}": value for figure, value in (figures | each).items()}


def asked(server: ObjectServer, folder: Path) -> dict[str, float]:
    """Seconds of questions to a million rows in 5,000 files, process start included."""
    long_log(Places.at(f"{folder}/many"), FILES, FILES, ROWS // FILES)
    uploaded(folder / "many", "s3://lake/many")
    count, errors = sql.QUERIES["count"], sql.QUERIES["errors"]
    found = {
        "count_seconds": sql.median(count, "s3://lake/many", SQL_TIMES),
        "count_in_a_folder_seconds": sql.median(count, f"{folder}/many", SQL_TIMES),
        "errors_seconds": sql.median(errors, "s3://lake/many", 1),
    }
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", PLAIN_COUNT, "s3://lake/many/logs"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {"rows": ROWS, "files": FILES, **found, "plain_count_seconds": time.monotonic() - began}


@click.command()
@click.option("--events", default=1_500_000, help="Records of the filled topic.")
@click.option("--rate", default=2000, help="Events a second of the live run.")
@click.option("--seconds", default=30, help="Of the live run, after its warm-up.")
@click.option("--before", default=10_000, help="Commits of the table that others are added to.")
def bench(events: int, rate: int, seconds: int, before: int) -> None:
    """A backlog, a live run, commits and SQL on a lake in a bucket, next to a plain consumer."""
    run = Run("-s3")
    with (
        tempfile.TemporaryDirectory() as named,
        object_server(Path(named) / "store") as server,
        Broker(f"{named}/broker", heap="512m") as broker,
    ):
        server.create("peer")
        os.environ.update(server.variables())
        folder, at = Path(named), broker.bootstrap
        run.part("producer", lambda: topic.fill(at, "bench", events, folder))
        into = "into a bucket"
        ours = run.part(f"ingest {into}", lambda: backlog.ours(at, "bench", "s3://lake/backlog"))
        peer = run.part(
            f"plain consumer {into}", lambda: backlog.peer(at, "bench", "s3://peer/backlog")
        )
        if ours and peer:
            run.tell("ratios of one backlog", backlog.ratios(ours, plain_consumer=peer))
        here, there = live(server, at, rate, seconds)
        run.tell(f"live, {rate}/s", here)
        run.tell("the plain consumer beside it", there)
        run.part(f"a commit, new and after {before:,}", lambda: commits(server, folder, before))
        run.part("sql, process start included", lambda: asked(server, folder))
    run.end()


if __name__ == "__main__":
    bench()
