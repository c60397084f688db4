"""`make bench`: every figure of a run in one table and one JSON file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
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
    needle,
    postgres,
    rules,
    scan,
    service_metrics,
    sql,
    topic,
    upkeep,
    watch_time,
    web,
)
from benchmarks.figures import Run
from cli.stack.broker import Broker

Measure = Callable[[Path], dict[str, float]]
ALONE: dict[str, Measure] = {
    "decoding, with and without unknown keys": decode.decode_cost,
    "logpond up, beside two busy processes": first_rows.first_rows,
    "records by HTTP, from their answer to their row": gateway_rows.rows,
    "a day of commits, with upkeep": upkeep.upkeep,
    "upkeep, rates": upkeep.rates,
    "detection, next to a plain z-score": detection.detection,
    "rules over 30 days of closed minutes": rules.rules,
    "tables by PostgreSQL's protocol": postgres.postgres,
    "import, next to DuckDB's bare copy": imports.imports,
    "questions to files and to the lake": scan.scan,
    "a needle in a month, next to DuckDB and ClickHouse": needle.needle,
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
    run = Run()
    with tempfile.TemporaryDirectory() as folder, Broker(f"{folder}/broker", heap="512m") as broker:
        place, at = Path(folder), broker.bootstrap
        run.part("producer", lambda: topic.fill(at, "bench", events, place))
        _backlog(run, at, place)
        for rate in map(int, rates.split(",")):
            run.part(
                f"live, {rate}/s", partial(live.live, at, f"live-{rate}", place, rate, seconds)
            )
        alone = partial(live.live, at, "live-alone", place, rate, seconds, windows=False)
        run.part(f"live, {rate}/s, windows switched off", alone)
        run.part("records by HTTP, next to a bare endpoint", lambda: gateway.gateway(at, place))
    for name, measure in {**ALONE, **of_commits(commits)}.items():
        with tempfile.TemporaryDirectory() as apart:
            run.part(name, partial(measure, Path(apart)))
    run.end()


def _backlog(run: Run, at: str, place: Path) -> None:
    own = run.part("ingest, backlog", lambda: backlog.ours(at, "bench", f"{place}/lake"))
    consumer = run.part("plain consumer", lambda: backlog.peer(at, "bench", f"{place}/peer"))
    of_spark = "Spark, its Kafka source and Delta sink"
    spark = run.part(of_spark, lambda: backlog.spark(at, "bench", f"{place}/spark-peer"))
    if own and consumer and spark:
        run.tell("ratios of one backlog", backlog.ratios(own, plain_consumer=consumer, spark=spark))


def of_commits(commits: int) -> dict[str, Measure]:
    """Returns the parts that are about tables of so many commits."""
    return {
        "sql, process start included": lambda folder: sql.sql(folder, commits),
        "pages, two million rows": lambda folder: web.web(folder, commits),
    }


if __name__ == "__main__":
    bench()
