"""Watch time per user and region of the same files: the job, Spark doing everything, bare DuckDB.

Each runs in a process of its own, from files to Parquet partitioned by region, Spark's start
included; both peers look regions up by our own table, in batches. All three give the same minutes
and views in each region, or there is no figure. Only the job keeps rejects and judges each line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from batch.commands.watch_time import PARTITIONS
from batch.jobs import tree
from batch.jobs.watch_time import job, regions, totals
from batch.jobs.watch_time.options import Options, fitting_workers
from batch.jobs.watch_time.workspace import Workspace
from lakehouse import settings
from producer.datasets import make, watch_time

FILES, SIZE = 4, 50_000_000
VALID = """
SELECT log_id, user_id, TRY_CAST(timestamp AS TIMESTAMP) AS timestamp, region(ip) AS geo_region,
       TRY_CAST(`watch_time(min)` AS DECIMAL(18, 6)) AS watch_time, file, line
FROM {lines} WHERE log_id <> '' AND user_id <> ''
"""
COUNTING = "FROM {valid} WHERE timestamp IS NOT NULL AND watch_time >= 0"
DUCKDB = """
COPY (
  SELECT geo_region, user_id, SUM(watch_time) AS watch_time_min, COUNT(*) AS views FROM (
    {counting} QUALIFY 1 = ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY timestamp, file, line))
  GROUP BY ALL)
TO '{out}' (FORMAT parquet, PARTITION_BY (geo_region))
"""
READ = """SELECT geo_region, CAST(SUM(watch_time_min) AS VARCHAR), CAST(SUM(views) AS BIGINT)
FROM read_parquet($files, hive_partitioning = true) GROUP BY 1 ORDER BY 1"""


def watch_time_job(folder: Path, size: int = SIZE) -> dict[str, float]:
    """Seconds, CPU seconds and peak megabytes of each, and ratios of the job to the peers."""
    data = folder / "views"
    made = [one.path for one in make.make(watch_time.Spec(3, size).files(data, FILES), 2)]
    runs = {name: child(name, data, folder / name) for name in MEANS}
    answers = {name: answer(folder / name) for name in MEANS}
    assert all(one == answers["job"] for one in answers.values()), answers
    found = {f"{name}_{what}": n for name, run in runs.items() for what, n in run.items()}
    for peer in ("spark", "duckdb"):
        for what, value in runs["job"].items():
            found[f"job_to_{peer}_{what}"] = value / runs[peer][what]
    return {"megabytes": sum(file.stat().st_size for file in made) / 1e6, **found}


def child(name: str, data: Path, out: Path) -> dict[str, float]:
    """What one of them took, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.watch_time", name, str(data), str(out)]
    run = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def answer(out: Path) -> list[Any]:
    """Minutes and views of each region that one of them wrote."""
    return duckdb.execute(READ, {"files": f"{out}/totals/*/*.parquet"}).fetchall()


def measured(run: Callable[[Path, Path], object], data: Path, out: Path) -> dict[str, float]:
    """Run one, from the start of its process."""
    out.mkdir(parents=True)
    began = time.monotonic()
    with tree.peak() as peak:
        run(data, out)
        cpu = tree.used().cpu
    return {"seconds": time.monotonic() - began, "cpu_seconds": cpu, "peak_mb": peak.bytes / 1e6}


def ours(data: Path, out: Path) -> None:
    """The job."""
    options = Options(data, out, Workspace(out), regions.TABLE, fitting_workers())
    job.run(options, lambda: started(out), lambda _: None)


def spark(data: Path, out: Path) -> None:
    """Spark reads, looks up in Python workers by Arrow, finds duplicates and adds up."""
    running = started(out)
    running.udf.register("region", spark_lookup())
    lines = (
        running.read.option("header", True)
        .csv(str(data / "*.csv"))
        .selectExpr("*", "_metadata.file_name AS file", "monotonically_increasing_id() AS line")
    )
    valid = running.sql(VALID, lines=lines)
    unique = running.sql(totals.UNIQUE, views=running.sql(f"SELECT * {COUNTING}", valid=valid))
    added = running.sql(totals.BY_USER, unique=unique)
    added.write.partitionBy("geo_region").parquet(str(out / totals.TOTALS))


def spark_lookup() -> Any:
    """A function of Spark from addresses to the names of regions."""
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    def region(addresses: pd.Series) -> pd.Series:
        return pd.Series(named(addresses.to_list()))

    # Spark reads the types themselves, not their names
    region.__annotations__ = {"addresses": pd.Series, "return": pd.Series}
    return pandas_udf(region, "string")


def bare_duckdb(data: Path, out: Path) -> None:
    """One statement of SQL, and a function from addresses to regions."""
    import pyarrow as pa

    lines = (
        "(SELECT *, filename AS file, ROW_NUMBER() OVER () AS line FROM read_csv("
        f"'{data}/*.csv', header = true, all_varchar = true, filename = true))"
    )
    valid = f"({VALID.format(lines=lines).replace('`', chr(34))})"
    with duckdb.connect() as db:
        db.create_function(
            "region",
            lambda addresses: pa.array(named(addresses.to_pylist())),
            ["VARCHAR"],
            "VARCHAR",
            type="arrow",
            null_handling="special",
        )
        db.execute(DUCKDB.format(counting=COUNTING.format(valid=valid), out=out / totals.TOTALS))


def named(addresses: list[str | None]) -> Any:
    """The name of each address's region."""
    import numpy as np
    import polars as pl

    known = regions.read()
    return np.array(known.names, dtype=object)[known.of(pl.Series(addresses, dtype=pl.String))]


def started(out: Path) -> Any:
    """Spark as the job starts it."""
    from lakehouse.runtime.session import session

    given = settings.load(lake=str(out / "lake"), spark_ui_port=0)
    return session(given, "bench", {"spark.sql.shuffle.partitions": str(PARTITIONS)})


MEANS = {"job": ours, "spark": spark, "duckdb": bare_duckdb}


def main() -> None:
    """Print the figures, of files of so many bytes; or, given name and folders, what one took."""
    if len(sys.argv) == 4:
        name, data, out = sys.argv[1:]
        print(json.dumps(measured(MEANS[name], Path(data), Path(out))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = watch_time_job(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else SIZE)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
