"""The driver's part of a batch, for as many tasks as a cluster has: what grows with what.

    python -m benchmarks.scale [--lake s3://bucket/scale]

A task hands back a description of each file that it wrote. No file is written here, as the driver
never opens one: descriptions go through the real plan, commit, log, checkpoint and list of upkeep.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import psutil
import pyarrow as pa

from benchmarks.sql import LIMITS, brought, raw
from lakehouse.decode import decode
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.maintenance import optimize
from lakehouse.maintenance.partitions import parts
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, Writer
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

TASKS, BATCHES = (100, 1_000, 10_000), 5
FIRST = datetime(2026, 5, 1, tzinfo=UTC)
STATS = {
    "numRecords": 2000,
    "minValues": {"timestamp": "2026-05-01T00:00:00.000000Z", "service": "a", "_offset": 0},
    "maxValues": {"timestamp": "2026-05-01T00:00:02.000000Z", "service": "z", "_offset": 1999},
    "nullCount": {"timestamp": 0, "service": 0, "_offset": 0},
}


def described(tasks: int, batch: int) -> list[DataFile]:
    """What so many tasks of a batch hand back, a file each in the hour that is now."""
    at = FIRST + timedelta(seconds=2 * batch)
    partition = {"date": f"{at:%Y-%m-%d}", "hour": str(at.hour)}
    folder = "/".join(f"{key}={value}" for key, value in partition.items())
    stats = json.dumps(STATS)
    return [
        DataFile(
            "logs", f"{folder}/part-{batch:08d}-{n:032x}.parquet", 90_000, 2000, partition, stats
        )
        for n in range(tasks)
    ]


@dataclass
class Cost:
    """Milliseconds of each step, of one batch after the other."""

    steps: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Time what is done within, by the clock and in CPU seconds of this process."""
        began, worked = time.perf_counter(), time.process_time()
        yield
        self.steps.setdefault(f"{step}_cpu", []).append(1e3 * (time.process_time() - worked))
        self.steps.setdefault(step, []).append(1e3 * (time.perf_counter() - began))

    def medians(self) -> dict[str, float]:
        """The middle one of each step."""
        return {f"{name}_ms": round(sorted(of)[len(of) // 2], 1) for name, of in self.steps.items()}


def measured(lake: str, tasks: int, batches: int = BATCHES) -> dict[str, float]:
    """The driver's steps for batches of so many tasks, on a new lake."""
    places, cost = Places.at(lake), Cost()
    plans, writer = BatchPlans(places), Writer(places, LOGS)
    for batch in range(batches):
        sent = [pickle.dumps(file) for file in described(tasks, batch)]
        with cost.of("collect"):
            files = [pickle.loads(one) for one in sent]
        plan = BatchPlan(
            query_id="scale", batch=batch, start=f"{batch}", end=f"{batch + 1}", files=files
        )
        with cost.of("find_plan"):
            plans.find("scale", batch, plan.start, plan.end)
        with cost.of("write_plan"):
            plans.write(plan)
        with cost.of("commit"):
            writer.commit(plan.files_of("logs"), Key("scale/logs", batch))
        with cost.of("forget_plan"):
            plans.forget_before("scale", batch)
    return {"tasks": tasks, **cost.medians(), **_afterwards(places, writer, tasks * batches)}


def _afterwards(places: Places, writer: Writer, files: int) -> dict[str, float]:
    """What reading that log takes: a checkpoint, a reader that opens the table, upkeep's list."""
    cost, table = Cost(), places.table(LOGS)
    from deltalake import DeltaTable

    with cost.of("checkpoint"):
        DeltaTable(table).create_checkpoint()
    with cost.of("open"):
        opened = DeltaTable(table)
    with cost.of("list"):
        found = parts(places, LOGS.name)
    assert sum(len(part.files) for part in found) == files
    entry = json.dumps([*(Log(places, LOGS.name).actions(opened.version()) or ())])
    return {**cost.medians(), "files": files, "entry_kb": round(len(entry) / 1e3)}


def rewritten(lake: str, files: int = 40, rows: int = 25_000) -> dict[str, float]:
    """What upkeep takes to put a closed hour in order, which one process does: real files."""
    places = Places.at(lake)
    events = _events(rows)
    writer = Writer(places, LOGS)
    for number in range(files):
        writer.append(brought(events, FIRST, number), Key("scale/logs", number))
    cost = Cost()
    with cost.of("z_order"):
        optimize(places, LOGS.name, LOGS.order_by)
    found = cost.medians()
    return {
        "rows": files * rows,
        **found,
        "rows_a_cpu_second": files * rows / found["z_order_cpu_ms"] * 1e3,
    }


def _events(rows: int) -> pa.Table:
    start = int(FIRST.timestamp() * 1e6)
    sent = Traffic(7, start, 1e5, Shares(0, 0, 0)).tick(start, start + 10**6, rows)
    return decode(raw([value for _, value in sent], 0, FIRST), LIMITS).events


def scale(lake: str) -> Iterator[dict[str, float]]:
    """A row for each number of tasks."""
    for tasks in TASKS:
        yield measured(f"{lake}/{tasks}", tasks)
    yield rewritten(f"{lake}/rewritten")


def about() -> dict[str, Any]:
    """Where, when and beside what it was measured."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "load": round(psutil.getloadavg()[0], 1),
    }


def show(rows: Iterator[dict[str, float]], echo: Callable[[str], None] = click.echo) -> None:
    """Write each row as it comes, as a line of JSON."""
    for row in rows:
        echo(json.dumps(row))


@click.command()
@click.option("--lake", default="", help="A folder or a URL that is empty. [a temporary folder]")
def main(lake: str) -> None:
    """The driver's part of a batch with 100, 1,000 and 10,000 tasks."""
    click.echo(json.dumps(about()))
    with tempfile.TemporaryDirectory() as folder:
        show(scale(lake or str(Path(folder))))


if __name__ == "__main__":
    main()
