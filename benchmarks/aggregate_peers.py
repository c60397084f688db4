"""What else sums daily files of metrics by day and user: `python -m benchmarks.aggregate_peers`.

None of them looks for malformed lines: they trust the files.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

METRICS = [f"metric_{number}" for number in range(1, 10)]
NAMES = ["timestamp", "user", "app", *METRICS]
SUMS = ", ".join(f"SUM({name}) AS {name}" for name in METRICS)
FORM = "%Y-%m-%d %H:%M:%S"
Sums = dict[tuple[str, str], list[int]]


def polars_sql(files: list[Path], output: Path, cores: int) -> None:
    """The engine of `logpond aggregate` by its own bare SQL."""
    import os

    os.environ["POLARS_MAX_THREADS"] = str(cores)
    import polars as pl

    kinds = dict.fromkeys(NAMES, pl.String) | dict.fromkeys(METRICS, pl.Int64)
    lines = pl.scan_csv(files, has_header=False, schema=kinds)
    query = (
        f"SELECT DATE_TRUNC('day', STRPTIME(timestamp, '{FORM}')) AS period, \"user\", {SUMS} "
        'FROM lines GROUP BY period, "user" ORDER BY period, "user"'
    )
    found = pl.SQLContext(lines=lines).execute(query).collect(engine="streaming")
    found.write_csv(output, datetime_format=FORM)


def duckdb_sql(files: list[Path], output: Path, cores: int) -> None:
    """Another columnar engine by its bare SQL."""
    import duckdb

    kinds = dict.fromkeys(NAMES, "BIGINT") | {"timestamp": "TIMESTAMP"}
    kinds |= {"user": "VARCHAR", "app": "VARCHAR"}
    with duckdb.connect(config={"threads": cores}) as connection:
        connection.execute(
            f"COPY (SELECT date_trunc('day', timestamp) AS period, \"user\", {SUMS} "
            f"FROM read_csv({[str(file) for file in files]}, header=false, columns={kinds}) "
            'GROUP BY ALL ORDER BY period, "user") '
            f"TO '{output}' (HEADER, TIMESTAMPFORMAT '{FORM}')"
        )


def pandas(files: list[Path], output: Path, cores: int) -> None:
    """File by file, then together."""
    import pandas as pd

    parts = []
    for file in files:
        rows = pd.read_csv(file, header=None, names=NAMES, parse_dates=["timestamp"])
        rows["period"] = rows["timestamp"].dt.floor("D")
        parts.append(rows.groupby(["period", "user"])[METRICS].sum())
    pd.concat(parts).groupby(level=[0, 1]).sum().to_csv(output, date_format=FORM)


def loop(files: list[Path], output: Path, cores: int) -> None:
    """Plain Python, one row after another."""
    _write(_added(map(_summed, files)), output)


def loops(files: list[Path], output: Path, cores: int) -> None:
    """The same by a process a core."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(cores) as pool:
        _write(_added(pool.map(_summed, files)), output)


def _summed(file: Path) -> Sums:
    sums: Sums = {}
    with file.open(newline="") as text:
        for time, user, _, *values in csv.reader(text):
            key = (f"{time[:10]} 00:00:00", user)
            held = sums.get(key)
            if held is None:
                sums[key] = [int(value) for value in values]
            else:
                for at, value in enumerate(values):
                    held[at] += int(value)
    return sums


def _added(parts: Iterable[Sums]) -> Sums:
    together: Sums = {}
    for part in parts:
        for key, sums in part.items():
            held = together.get(key)
            together[key] = [a + b for a, b in zip(held, sums, strict=True)] if held else sums
    return together


def _write(sums: Sums, output: Path) -> None:
    with output.open("w", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["period", "user", *METRICS])
        writer.writerows([*key, *sums[key]] for key in sorted(sums))


PEERS = {one.__name__: one for one in (polars_sql, duckdb_sql, pandas, loop, loops)}

if __name__ == "__main__":
    name, folder, result, count = sys.argv[1:]
    PEERS[name](sorted(Path(folder).glob("*.csv")), Path(result), int(count))
