"""Questions to a CSV a day and to the lake, side by side; discover next to DuckDB alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batch.imports.reading import Overrides
from batch.scan_cost import Compared, Raw, Stored, compare
from benchmarks.sql import fill
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.query.ask import NOW
from lakehouse.tables.catalog import LOGS

ROWS, DAYS, TIMES = 1_000_000, 10, 5
QUESTIONS = {
    "count": "SELECT COUNT(*) FROM logs",
    "one_day_errors": "SELECT endpoint, COUNT(*) FROM logs WHERE date = '{day:%Y-%m-%d}' "
    "AND status_code >= 500 GROUP BY endpoint",
    "mean_by_service": "SELECT service, AVG(response_time) FROM logs GROUP BY service",
    "one_address": "SELECT COUNT(*), SUM(bytes_sent) FROM logs WHERE ip = '192.0.2.1'",
    "every_column": "SELECT COUNT(*), MAX(path), MAX(user_agent), MAX(trace_id), MAX(event_id), "
    'MAX(ip), MAX(timestamp), SUM(bytes_sent), SUM(response_time), MAX("user") '
    "FROM logs",
}
SUMMARIZE = "SUMMARIZE FROM read_csv('{}')"
AT_END = """
def told():
    import sys, time
    peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
    print(time.process_time(), peak, file=sys.stderr)
"""
FIGURES = ("read", "seconds", "cpu_seconds")


def scan(folder: Path, rows: int = ROWS) -> dict[str, float]:
    """For each question how many times as much the files take as the lake; the medians of five."""
    places = Places(f"{folder}/scan", f"{folder}/scan/_checkpoints")
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # a commit a day and a file an hour, as upkeep leaves them
    fill(places, DAYS, rows, timedelta(days=DAYS), end)
    stored = Stored.of(places, pinned.pin(places, [LOGS.name], NOW)[LOGS.name].table)
    stored.write(folder / "csv")
    files = Raw.of(sorted((folder / "csv").rglob("*.csv")), Overrides())
    found: dict[str, float] = {"rows": rows}
    for name, sql in QUESTIONS.items():
        runs = [
            compare(files, stored, sql.format(day=end - timedelta(days=1))) for _ in range(TIMES)
        ]
        assert not any(run.different for run in runs), name
        found |= {f"{name}_raw_to_lake_{figure}": ratio(runs, figure) for figure in FIGURES}
    found["raw_to_lake_bytes_kept"] = runs[0].raw.bytes / runs[0].lake.bytes
    return found | discovered(folder / "csv")


def ratio(runs: list[Compared], figure: str) -> float:
    """The files' part by that of the lake; the median of the runs."""
    ratios = [getattr(run.raw, figure) / getattr(run.lake, figure) for run in runs]
    return float(sorted(ratios)[TIMES // 2])


def discovered(folder: Path) -> dict[str, float]:
    """`discover` of the same files next to DuckDB's own SUMMARIZE; each in a process of its own."""
    ours, our_peak = spent(
        "from batch.commands.discover import discover\n"
        f"discover([{str(folder)!r}], standalone_mode=False)"
    )
    files = f"{folder}/**/*.csv"
    bare, bare_peak = spent(f"import duckdb; duckdb.sql({SUMMARIZE.format(files)!r}).fetchall()")
    return {
        "discover_cpu_seconds": ours,
        "discover_peak_mb": our_peak,
        "summarize_cpu_seconds": bare,
        "summarize_peak_mb": bare_peak,
        "discover_to_summarize_cpu": ours / bare,
    }


def spent(code: str) -> tuple[float, float]:
    """CPU seconds and peak MB of a Python process; its memory is not taken for its parent's."""
    words = [sys.executable, "-c", f"import atexit\n{AT_END}\natexit.register(told)\n{code}"]
    ended = subprocess.run(words, check=True, capture_output=True, text=True)
    cpu, peak = map(float, ended.stderr.splitlines()[-1].split())
    return cpu, peak / 1024


def main() -> None:
    """Print the figures; a number of rows may be given."""
    with tempfile.TemporaryDirectory() as folder:
        figures = scan(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
