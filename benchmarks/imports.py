"""Import of a CSV file next to DuckDB's bare copy of it to Parquet, each a process of its own."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import click

from lakehouse.event.fields import LogEvent
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

ROWS = 500_000
ROOT = Path(__file__).resolve().parent.parent
FIRST = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp() * 1e6)
COPY = "COPY (SELECT * FROM read_csv('{file}')) TO '{to}' (FORMAT parquet, COMPRESSION zstd)"


@dataclass(frozen=True)
class Cost:
    """What a process took, its start included."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def imports(folder: Path, rows: int = ROWS) -> dict[str, float]:
    """Rates, CPU a row and peaks; a file of a fifth shows whether memory grows with the file."""
    whole, part = (written(folder / f"{n}.csv", n) for n in (rows, rows // 5))
    lake = ["-m", "cli", "import", "--no-reconcile", "--lake"]
    ours = _cost([*lake, f"{folder}/lake", str(whole)])
    small = _cost([*lake, f"{folder}/small", str(part)])
    copy = COPY.format(file=whole, to=folder / "bare.parquet")
    peer = _cost(["-c", f"import duckdb; duckdb.sql({copy!r})"])
    return {
        "rows": rows,
        "file_mb": whole.stat().st_size / 1e6,
        "import_rows_per_second": rows / ours.seconds,
        "import_cpu_us_per_row": ours.cpu_seconds / rows * 1e6,
        "import_peak_mb": ours.peak_mb,
        "import_of_a_fifth_peak_mb": small.peak_mb,
        "duckdb_rows_per_second": rows / peer.seconds,
        "duckdb_cpu_us_per_row": peer.cpu_seconds / rows * 1e6,
        "duckdb_peak_mb": peer.peak_mb,
        "import_to_duckdb_seconds": ours.seconds / peer.seconds,
        "import_to_duckdb_cpu": ours.cpu_seconds / peer.cpu_seconds,
    }


def written(file: Path, rows: int) -> Path:
    """A CSV of the producer's traffic, 2,000 events a second, with a header."""
    names = [field.name for field in fields(LogEvent)]
    traffic, second = Traffic(7, FIRST, 2000, Shares(0, 0, 0)), 10**6
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
        writer.writeheader()
        for at in range(rows // 2000):
            records = traffic.tick(FIRST + at * second, FIRST + (at + 1) * second, 2000)
            writer.writerows(json.loads(value or b"{}") for _, value in records)
    return file


def _cost(words: list[str]) -> Cost:
    """Run Python with these words, in the project's folder."""
    began = time.monotonic()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pid = os.posix_spawn(sys.executable, [sys.executable, *words], env, file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{words} ended with {os.waitstatus_to_exitcode(status)}")
    cpu = used.ru_utime + used.ru_stime
    return Cost(time.monotonic() - began, cpu, used.ru_maxrss / 1e3)


@click.command()
@click.option("--rows", default=ROWS, show_default=True)
def main(rows: int) -> None:
    """Print the figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, value in imports(Path(folder), rows).items():
            click.echo(f"{name:28} {value:12,.2f}")


if __name__ == "__main__":
    main()
