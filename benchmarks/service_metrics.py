"""Means and error rates by service and environment of the same files, by six means, side by side.

Each runs in a process of its own; the clock starts when its libraries are there and Spark is up,
and stops when the rows are. All six give the same rows, or there is no figure. Spark's first pass
is as a job has it; `again` is the same pass once more, by a JVM that is warm.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from batch.formats.paths import expand
from batch.jobs import tree
from producer.datasets import make
from producer.datasets.services import Spec
from producer.traffic.curve import MICROS

LINES = 200_000
# Lines of a day at one request a second.
A_DAY = 92_300
SQL = """SELECT service, environment, count(*), count_if(status_code >= 400), avg(response_time)
FROM {} GROUP BY service, environment"""
SCHEMA = "service string, environment string, status_code int, response_time double"


def service_metrics(folder: Path, lines: int = LINES) -> dict[str, float]:
    """Seconds, CPU seconds and peak megabytes of each, and ratios to DuckDB's bare SQL."""
    spec = Spec(7, 1_735_689_600 * MICROS, 24, lines / A_DAY, 6, ("prod", "staging"), 6, 0.0)
    data = folder / "services"
    files = [one.path for one in make.make(spec.files(data), 1)]
    runs = {name: child(name, data) for name in MEANS}
    first = next(iter(runs.values()))["answer"]
    assert all(same(run.pop("answer"), first) for run in runs.values())
    found = {
        f"{name}_{figure}": value for name, run in runs.items() for figure, value in run.items()
    }
    for name in MEANS.keys() - {"duckdb"}:
        for figure in ("seconds", "cpu_seconds"):
            found[f"{name}_to_duckdb_{figure}"] = runs[name][figure] / runs["duckdb"][figure]
    return {"lines": sum(row[2] for row in first), "files": len(files), **found}


def child(name: str, data: Path) -> dict[str, Any]:
    """What one of them took, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.service_metrics", name, str(data)]
    run = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def same(one: list[Any], other: list[Any]) -> bool:
    """Counts to the last, means as far as the order of a sum changes them."""
    close = all(abs(a[4] - b[4]) < 1e-5 * b[4] for a, b in zip(one, other, strict=True))
    return close and [row[:4] for row in one] == [row[:4] for row in other]


def measured(begin: Callable[[Path], Callable[[], list[Any]]], data: Path) -> dict[str, Any]:
    """One pass, and where Spark is at work another."""
    ask = begin(data)
    with tree.peak() as peak:
        found = passed(ask)
        again = passed(ask) if begin in SPARKS else None
    warm = {f"again_{name}": value for name, value in (again or {}).items() if name != "answer"}
    return {**found, **warm, "peak_mb": peak.bytes / 1e6}


def passed(ask: Callable[[], list[Any]]) -> dict[str, Any]:
    """An answer, and what it took."""
    began, before = time.monotonic(), tree.used().cpu
    answer = sorted([*map(list, ask())])
    return {
        "answer": answer,
        "seconds": time.monotonic() - began,
        "cpu_seconds": tree.used().cpu - before,
    }


def plain(data: Path) -> Callable[[], list[Any]]:
    """A loop over lines."""

    def ask() -> list[Any]:
        held: dict[tuple[str, str], list[float]] = {}
        for file in expand([data]):
            with file.open("rb") as opened:
                for event in map(json.loads, opened):
                    sums = held.setdefault((event["service"], event["environment"]), [0, 0, 0.0])
                    sums[0] += 1
                    sums[1] += event["status_code"] >= 400
                    sums[2] += event["response_time"]
        return [[*key, n, errors, total / n] for key, (n, errors, total) in held.items()]

    return ask


def pandas(data: Path) -> Callable[[], list[Any]]:
    """All files as one frame."""
    import pandas as pd

    def ask() -> list[Any]:
        wanted = ["service", "environment", "status_code", "response_time"]
        frames = [pd.read_json(file, lines=True)[wanted] for file in expand([data])]
        events = pd.concat(frames)
        events["is_error"] = events["status_code"] >= 400
        groups = events.groupby(["service", "environment"])
        found = groups.agg(
            n=("is_error", "size"), errors=("is_error", "sum"), mean=("response_time", "mean")
        )
        return [
            [*row[:2], int(row[2]), int(row[3]), row[4]]
            for row in found.reset_index().itertuples(index=False)
        ]

    return ask


def duckdb(data: Path) -> Callable[[], list[Any]]:
    """Bare SQL over the files."""
    import duckdb as engine

    files = f"read_ndjson('{data}/**/*.ndjson', hive_partitioning = false)"
    connection = engine.connect()
    return lambda: connection.execute(SQL.format(files)).fetchall()


def spark_alone(data: Path) -> Callable[[], list[Any]]:
    """Spark's own reader of JSON, which refuses no line."""
    spark, files = started(data), [str(file) for file in expand([data])]
    return lambda: spark.sql(SQL.format("{e}"), e=spark.read.schema(SCHEMA).json(files)).collect()


def job(engine: str, data: Path) -> Callable[[], list[Any]]:
    """The job's own: each line judged, minutes scored, then summed."""
    from batch.jobs.service_metrics.job import ENGINES
    from batch.jobs.service_metrics.score import THRESHOLD, WINDOW
    from batch.jobs.service_metrics.source import Files

    spark, by = started(data), ENGINES[engine]
    events = Files(tuple(expand([data]))).rows(spark).where("reason IS NULL")
    wanted = ["service", "environment", "requests", "errors", "mean_ms"]
    return lambda: by.metrics(by.minutes(events, WINDOW, THRESHOLD)).select(wanted).collect()


def started(data: Path) -> Any:
    """Spark as the job starts it."""
    from lakehouse import settings
    from lakehouse.runtime.session import session

    return session(settings.load(lake=str(data.parent / "lake"), spark_ui_port=0), "bench")


dataframe, rdd = partial(job, "dataframe"), partial(job, "rdd")
SPARKS = (dataframe, rdd, spark_alone)
MEANS = {
    "duckdb": duckdb,
    "plain": plain,
    "pandas": pandas,
    "spark_alone": spark_alone,
    "dataframe": dataframe,
    "rdd": rdd,
}


def main() -> None:
    """Print the figures, of a number of lines; or, given a name and a folder, what one took."""
    if len(sys.argv) == 3:
        print(json.dumps(measured(MEANS[sys.argv[1]], Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = service_metrics(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
