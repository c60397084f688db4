"""`make bench`: every figure of a run in one table and one JSON file."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import (
    aggregate,
    backlog,
    decode,
    detection,
    first_rows,
    gateway,
    gateway_rows,
    imports,
    live,
    scan,
    service_metrics,
    sql,
    topic,
    upkeep,
    watch_time,
    web,
)
from cli.stack.broker import Broker

RESULTS = Path(__file__).parent / "results"
ALONE: dict[str, Callable[[Path], dict[str, float]]] = {
    "decoding, with and without unknown keys": decode.decode_cost,
    "logpond up, beside two busy processes": first_rows.first_rows,
    "records by HTTP, from their answer to their row": gateway_rows.rows,
    "import, next to DuckDB's bare copy": imports.imports,
    "questions to files and to the lake": scan.scan,
    "aggregate, next to bare SQL and loops": aggregate.aggregate,
    "watch-time, next to Spark alone and DuckDB": watch_time.watch_time_job,
    "service-metrics, by six means": service_metrics.service_metrics,
}


@click.command()
@click.option("--events", default=2_000_000, help="Records of the filled topic.")
@click.option("--seconds", default=90, help="Of each live run, after its warm-up.")
@click.option("--rates", default="500,2000", help="Events a second of the live runs.")
@click.option("--commits", default=5000, help="Of the table that `logpond sql` is asked about.")
def bench(events: int, seconds: int, rates: str, commits: int) -> None:
    """Producer, backlog against a plain consumer, freshness, SQL, detection, pages, file jobs.

    Each part alone: `python -m benchmarks.scan`, and so on.
    """
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, Broker(f"{folder}/broker", heap="512m") as broker:
        place, at = Path(folder), broker.bootstrap
        _tell(found, "producer", topic.fill(at, "bench", events, place))
        _tell(found, "ingest, backlog", backlog.ours(at, "bench", place))
        _tell(found, "plain consumer", backlog.peer(at, "bench", place))
        _tell(found, "Spark, its Kafka source and Delta sink", backlog.spark(at, "bench", place))
        _tell(found, "ratios of one backlog", backlog.ratios(*[*found.values()][-3:]))
        for rate in rates.split(","):
            measured = live.live(at, f"live-{rate}", place, int(rate), seconds)
            _tell(found, f"live, {rate}/s", measured)
        measured = live.live(at, "live-alone", place, int(rate), seconds, windows=False)
        _tell(found, f"live, {rate}/s, windows switched off", measured)
        _tell(found, "records by HTTP, next to a bare endpoint", gateway.gateway(at, place))
        _tell(found, "sql, process start included", sql.sql(place, commits))
        _tell(found, "a day of commits, with upkeep", upkeep.upkeep(place))
        _tell(found, "upkeep, rates", upkeep.rates(place))
        _tell(found, "pages, two million rows", web.web(place, commits))
        _tell(found, "detection, next to a plain z-score", detection.detection(place))
        for name, measure in ALONE.items():
            with tempfile.TemporaryDirectory() as apart:
                _tell(found, name, measure(Path(apart)))
    _save(found)


def _tell(found: dict[str, dict[str, float]], name: str, figures: dict[str, float]) -> None:
    found[name] = figures
    table = Table(title=name, title_justify="left", show_header=False)
    for figure, value in figures.items():
        table.add_row(figure, f"{value:,.2f}")
    Console().print(table)


def _save(found: dict[str, dict[str, float]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version()}
    path = RESULTS / f"{now:%Y%m%dT%H%M%S}.json"
    path.write_text(
        json.dumps({"at": now.isoformat(), "machine": machine, "figures": found}, indent=2)
    )
    click.echo(f"saved {path}")


if __name__ == "__main__":
    bench()
