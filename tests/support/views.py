"""Builders: files of views, the job over them, and what DuckDB says of the same files."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from batch.jobs.watch_time import regions
from batch.jobs.watch_time.clean import clean
from batch.jobs.watch_time.options import Options
from batch.jobs.watch_time.workspace import Input, Note, Workspace
from producer.datasets import watch_time

HEADER = "log_id,user_id,ip,timestamp,watch_time(min)"
US, EUROPE, HOME = "8.8.8.8", "2.16.0.1", "10.0.0.1"
# Plain SQL over the files as they are; nothing of ours but the rules.
PEER = """
WITH raw AS (
  SELECT *, ROW_NUMBER() OVER () AS line,
    TRY_CAST(timestamp AS TIMESTAMP) AS moment,
    TRY_CAST("watch_time(min)" AS DECIMAL(18, 6)) AS minutes
  FROM read_csv($files, header = true, all_varchar = true, filename = 'file')),
valid AS (FROM raw WHERE log_id <> '' AND user_id <> '' AND moment IS NOT NULL AND minutes >= 0),
firsts AS (FROM valid QUALIFY 1 = ROW_NUMBER() OVER (PARTITION BY file, log_id ORDER BY line)),
unique_views AS (
  FROM firsts QUALIFY 1 = ROW_NUMBER() OVER (PARTITION BY log_id ORDER BY moment, file, line))
SELECT region, user_id, SUM(minutes), COUNT(*)
FROM unique_views JOIN addresses ON COALESCE(ip, '') = address GROUP BY ALL ORDER BY ALL
"""


def line(
    log_id: str = "l1",
    user: str = "ann",
    ip: str = US,
    at: str = "2026-01-01 12:00:00",
    minutes: str = "1.50",
) -> str:
    """A line of a file."""
    return f"{log_id},{user},{ip},{at},{minutes}"


def write(path: Path, lines: Iterable[str | bytes], header: str = HEADER) -> Path:
    """A file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = [one if isinstance(one, bytes) else one.encode() for one in (header, *lines)]
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


def generated(folder: Path, files: int = 2, size: int = 200_000) -> watch_time.Spec:
    """A folder as `logpond files watch-time` makes it; its order knows the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = watch_time.Spec(1, size)
    for path, make in spec.files(folder, files).items():
        make(path)
    return spec


def options(folder: Path, workers: int = 2) -> Options:
    """The job over `folder`/in, to `folder`/out."""
    out = folder / "out"
    return Options(folder / "in", out, Workspace(out), regions.TABLE, workers)


def cleaned(path: Path) -> Note:
    """Phase 1 of a file, to `out` beside it."""
    return clean(Input.of(path, path.parent), Workspace(path.parent / "out"), regions.TABLE, "r")


def views(path: Path) -> list[dict[str, Any]]:
    """What phase 1 wrote of a file."""
    one = Input.of(path, path.parent)
    return pq.read_table(Workspace(path.parent / "out").views(one)).to_pylist()


def rejects(path: Path) -> list[tuple[int, str]]:
    """Line and reason of each reject of a file."""
    file = Workspace(path.parent / "out").rejects(Input.of(path, path.parent))
    found = pq.read_table(file).to_pylist() if file.exists() else []
    return sorted((one["line"], one["reason"]) for one in found)


def totals(out: Path) -> list[tuple[Any, ...]]:
    """Region, user, minutes and views, in order, out of the folder that the job wrote."""
    return duckdb.execute(
        "SELECT geo_region, user_id, watch_time_min, views FROM read_parquet($files, "
        "hive_partitioning = true) ORDER BY ALL",
        {"files": f"{out}/totals/*/*.parquet"},
    ).fetchall()


def peer(files: list[Path]) -> list[tuple[str, str, Decimal, int]]:
    """The same, by DuckDB over the CSV files."""
    names = [str(file) for file in files]
    with duckdb.connect(config={"threads": 1}) as db:
        told = db.execute(
            "SELECT DISTINCT COALESCE(ip, '') FROM read_csv($files, header = true, "
            "all_varchar = true)",
            {"files": names},
        ).fetchall()
        addresses = [address for (address,) in told]
        found = pa.table({"address": addresses, "region": [*map(region, addresses)]})
        db.register("addresses", found)
        return db.execute(PEER, {"files": names}).fetchall()


def region(address: str) -> str:
    """The region of an address, looked up by itself."""
    firsts, names = _steps()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "invalid"
    number = int(parsed) + (0xFFFF << 32 if parsed.version == 4 else 0)
    return names[bisect_right(firsts, number) - 1]


@cache
def _steps() -> tuple[list[int], list[str]]:
    table = pq.read_table(regions.TABLE)
    firsts = [int.from_bytes(first, "big") for first in table["first"].to_pylist()]
    return firsts, table["region"].to_pylist()
