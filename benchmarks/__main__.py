"""`make bench`: every figure of a run in one table and one JSON file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import click

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
from benchmarks.figures import save, tell
from cli.stack.broker import Broker

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
        tell(found, "producer", topic.fill(at, "bench", events, place))
        own = backlog.ours(at, "bench", f"{place}/lake")
        tell(found, "ingest, backlog", own)
        consumer = backlog.peer(at, "bench", f"{place}/peer")
        tell(found, "plain consumer", consumer)
        spark = backlog.spark(at, "bench", f"{place}/spark-peer")
        tell(found, "Spark, its Kafka source and Delta sink", spark)
        ratios = backlog.ratios(own, plain_consumer=consumer, spark=spark)
        tell(found, "ratios of one backlog", ratios)
        for rate in rates.split(","):
            measured = live.live(at, f"live-{rate}", place, int(rate), seconds)
            tell(found, f"live, {rate}/s", measured)
        measured = live.live(at, "live-alone", place, int(rate), seconds, windows=False)
        tell(found, f"live, {rate}/s, windows switched off", measured)
        tell(found, "records by HTTP, next to a bare endpoint", gateway.gateway(at, place))
        tell(found, "sql, process start included", sql.sql(place, commits))
        tell(found, "a day of commits, with upkeep", upkeep.upkeep(place))
        tell(found, "upkeep, rates", upkeep.rates(place))
        tell(found, "pages, two million rows", web.web(place, commits))
        tell(found, "detection, next to a plain z-score", detection.detection(place))
        for name, measure in ALONE.items():
            with tempfile.TemporaryDirectory() as apart:
                tell(found, name, measure(Path(apart)))
    save(found)


if __name__ == "__main__":
    bench()
