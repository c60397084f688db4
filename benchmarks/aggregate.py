"""`logpond aggregate` next to other ways of the same, on 90 days of 50,000 rows.

Each runs as a process of its own, its start included, some times in turn; of times the least is
told, as others use the machine too, of memory the most. The results must be equal to the byte.
Memory is the peak of resident memory as the kernel counts it, that of each process added.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import click
import psutil

from benchmarks.aggregate_peers import PEERS
from producer.datasets import make
from producer.datasets.metrics import Spec

DAYS, ROWS = 90, 50_000
OURS, OWN_SQL = "ours", "polars_sql"
LOOK_SECONDS = 0.01


def aggregate(place: Path, days: int = DAYS, rows: int = ROWS, times: int = 3) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory of each, and what the others take of ours."""
    folder, cores = place / "metrics", len(os.sched_getaffinity(0))
    folder.mkdir(parents=True, exist_ok=True)
    list(make.make(Spec(1, date(2025, 1, 1), days, rows).files(folder), cores))
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (OURS, *PEERS)}
    for _ in range(times):
        for name, measured in found.items():
            measured.append(_measured(name, folder, place / f"{name}.csv", cores))
        _must_agree([place / f"{name}.csv" for name in found])
    return {"days": days, "rows": days * rows, "cores": cores, **_figures(found)}


def _words(name: str, folder: Path, output: Path, cores: int) -> list[str]:
    if name != OURS:
        peer = [name, str(folder), str(output), str(cores)]
        return [sys.executable, "-m", "benchmarks.aggregate_peers", *peer]
    return [
        sys.executable,
        "-m",
        "cli",
        "aggregate",
        "--input",
        str(folder),
        "--output",
        str(output),
        "--granularity",
        "1day",
        "--dimensions",
        "user",
        "--threads",
        str(cores),
    ]


def _measured(name: str, folder: Path, output: Path, cores: int) -> tuple[float, float, float]:
    """Seconds, CPU seconds and megabytes of a run."""
    output.unlink(missing_ok=True)
    began = time.perf_counter()
    child = subprocess.Popen(_words(name, folder, output, cores), stdout=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
        with suppress(psutil.Error):
            root = psutil.Process(child.pid)
            for one in (root, *root.children(recursive=True)):
                # one that ended says nothing
                peaks[one.pid] = max(peaks.get(one.pid, 0), _peak(one.pid))
        time.sleep(LOOK_SECONDS)
    child.returncode = os.waitstatus_to_exitcode(ended[1])
    assert child.returncode == 0, name
    seconds, used = time.perf_counter() - began, ended[2]
    return seconds, used.ru_utime + used.ru_stime, sum(peaks.values()) / 1e6


def _peak(pid: int) -> int:
    """Bytes that a process held at most, so far."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _must_agree(results: list[Path]) -> None:
    first = results[0].read_bytes()
    assert first.count(b"\n") > 1
    for other in results[1:]:
        assert other.read_bytes() == first, f"{other.name} differs"


def _figures(found: dict[str, list[tuple[float, float, float]]]) -> dict[str, float]:
    best = {}
    for name, measured in found.items():
        seconds, cpu, megabytes = zip(*measured, strict=True)
        best[name] = (min(seconds), min(cpu), max(megabytes))
    ours, figures = best[OURS], {}
    for name, (seconds, cpu, megabytes) in best.items():
        figures |= {f"{name}_seconds": seconds, f"{name}_cpu_seconds": cpu}
        figures[f"{name}_peak_mb"] = megabytes
    for name in PEERS:
        figures[f"{name}_to_ours"] = best[name][0] / ours[0]
        figures[f"{name}_to_ours_cpu"] = best[name][1] / ours[1]
    figures["ours_to_own_sql"] = ours[0] / best[OWN_SQL][0]
    figures["ours_to_own_sql_cpu"] = ours[1] / best[OWN_SQL][1]
    return figures


@click.command()
@click.option("--days", default=DAYS)
@click.option("--rows", default=ROWS, help="A day.")
@click.option("--times", default=3, help="Each.")
def main(days: int, rows: int, times: int) -> None:
    """These figures alone."""
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(aggregate(Path(folder), days, rows, times), indent=2))


if __name__ == "__main__":
    main()
