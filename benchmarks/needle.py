"""A needle in a month: a trace, a user, an address, a rare word among ten million rows of 30 days.

By `logpond`'s API in Python, with its skip index; by bare DuckDB over the same files, and by
ClickHouse (`chdb`) with skip indexes of its own, where that is installed. Each question is asked
some times in one process; the first is told apart.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import duckdb

import logpond
from benchmarks.month import NEEDLES, WORD, fill
from lakehouse.duck import create_view
from lakehouse.paths import Places
from lakehouse.skipping import keep
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS

ROWS, TIMES = 10_000_000, 5
PEER = Path(__file__).with_name("needle_peer.py")
NAMES = ("trace_id", "user", "ip")
STATEMENTS = {name: f"SELECT * FROM logs WHERE {name} = '{NEEDLES[name]}'" for name in NAMES}
OF_WORD = f"SELECT * FROM logs WHERE message ILIKE '%{WORD}%'"
OF_PEER = {name: f"{name} = '{NEEDLES[name]}'" for name in NAMES} | {
    "word": f"hasToken(message, '{WORD}')"
}
Ask = Callable[[], int]


def needle(folder: Path, rows: int = ROWS, python: str = sys.executable) -> dict[str, float]:
    """Seconds and CPU seconds of each question, and what the index weighs and takes.

    `python` is one that may have `chdb`.
    """
    places = Places.at(str(folder / "month"))
    size = fill(places, rows)
    figures: dict[str, float] = {"rows": rows, "mb": size / 1e6, **_indexed(places, rows, size)}
    figures |= _ours(places)
    figures |= _duckdb(places)
    return figures | _peer(places, python)


def _indexed(places: Places, rows: int, size: int) -> dict[str, float]:
    """What making the index takes an event, and which part of the data it is."""
    began = time.process_time()
    made = keep.refresh(places)
    used = time.process_time() - began
    percent = 100 * sum(each.bytes for each in made) / size
    return {"index_percent": percent, "index_cpu_us_an_event": used * 1e6 / rows}


def _ours(places: Places) -> dict[str, float]:
    lake = logpond.open(places.lake)
    asked: dict[str, Ask] = {
        name: (lambda sql=sql: len(lake.sql(sql))) for name, sql in STATEMENTS.items()
    }
    asked["word"] = lambda: len(lake.sql(OF_WORD))
    asked["any_text"] = lambda: len(lake.search(WORD))
    return _timed("logpond", asked)


def _duckdb(places: Places) -> dict[str, float]:
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    create_view(connection, LOGS.name, places.table(LOGS), open_table(places, LOGS))
    statements = {**STATEMENTS, "word": OF_WORD}
    return _timed(
        "duckdb",
        {
            name: (lambda sql=sql: len(connection.execute(sql).fetchall()))
            for name, sql in statements.items()
        },
    )


def _timed(who: str, asked: dict[str, Ask]) -> dict[str, float]:
    """The first and the median time of each question, and the CPU time of the median one."""
    figures = {}
    for name, ask in asked.items():
        taken = []
        for _ in range(TIMES):
            began, used = time.monotonic(), time.process_time()
            if (found := ask()) != 1:
                raise RuntimeError(
                    f"{who} found {found} rows for {name}, not the one that is there"
                )
            taken.append((time.monotonic() - began, time.process_time() - used))
        seconds, cpu = sorted(taken)[TIMES // 2]
        figures[f"{who}_{name}_first_seconds"] = taken[0][0]
        figures |= {f"{who}_{name}_seconds": seconds, f"{who}_{name}_cpu_seconds": cpu}
    return figures


def _peer(places: Places, python: str) -> dict[str, float]:
    """ClickHouse's figures; none where it is not installed."""
    if python == sys.executable and importlib.util.find_spec("chdb") is None:
        click.echo("no chdb: `make bench` installs it (extra `bench` of pyproject.toml)", err=True)
        return {}
    with tempfile.TemporaryDirectory() as own:
        command = [python, str(PEER), places.table(LOGS), own, json.dumps(OF_PEER)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@click.command()
@click.argument("folder", type=Path)
@click.option("--rows", default=ROWS)
@click.option("--python", default=sys.executable, help="One that has chdb.")
def main(folder: Path, rows: int, python: str) -> None:
    """These figures alone, for a lake in a folder of its own, which is deleted."""
    try:
        click.echo(json.dumps(needle(folder, rows, python), indent=2))
    finally:
        shutil.rmtree(folder / "month", ignore_errors=True)


if __name__ == "__main__":
    main()
