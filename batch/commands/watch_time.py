"""The command `watch-time`: how long each user watched, by region, over many large CSV files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse import settings as settings_file
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.terminal.options import FORMAT, HUMANE, LAKE

if TYPE_CHECKING:
    from batch.jobs.watch_time.job import Report, Start
    from batch.jobs.watch_time.options import Order

FILES, SIZE = 4, "5MB"
# What is said while test data is made is no part of an answer in JSON.
STANDARD_ERROR = 2


@click.command("watch-time")
@click.option("--input", "source", metavar="DIR", help="CSV files.  [watch_time.input]")
@click.option("--output", metavar="DIR", help="What is made.  [watch_time.output]")
@click.option("--files", type=click.IntRange(1), metavar="N", help="Make so many test files first.")
@click.option("--size", metavar="SIZE", help=f"Of each test file: 100MB, 1GB.  [{SIZE}]")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="K")
@click.option("--workers", type=click.IntRange(0), metavar="N", help="Files at the same time.")
@click.option("--driver-memory", metavar="1g", help="Of Spark.")
@click.option("--executor-memory", metavar="1g", help="Of Spark, on a cluster.")
@click.option("--shuffle-partitions", type=int, metavar="N", help="Parts of what Spark sorts.")
@click.option("--dry-run", is_flag=True, help="Only list the files, and which are clean.")
@FORMAT
@LAKE
def watch_time(**flags: Any) -> None:
    """Add up how long each user watched in each region, over many large CSV files.

    Files have a header with log_id, user_id, ip, timestamp and watch_time(min), plain or gzip, of
    any size. Phase 1 takes a process a file: duplicates of a log_id out, geo_region from the
    address, Parquet. Phase 2 is Spark: duplicates across files out, sums, a folder a region.

    \b
      logpond watch-time                               a first run makes small test files
      logpond watch-time --input /data/views --output /data/watch-time
      logpond watch-time --files 20 --size 1GB --input /data/big
      logpond watch-time --input /data/views --dry-run
      logpond sql "SELECT * FROM 'results/watch-time/totals/*/*.parquet' LIMIT 5"

    A log_id counts once. Within a file its first valid line counts; across files the earliest
    timestamp, then the first file by name, whatever its other copies say of user, address or
    minutes. A user in two regions has a row in each, by where each view was made. Regions are
    continents, `private` and `unknown`; where the address is none, `invalid`.

    Lines without an id, a timestamp or a plain number of minutes from 0 on are kept with their
    reason in <output>/rejects. Every row is accounted for, or the job fails. A rerun cleans only
    files that are new, changed or failed before.

    \b
      exit 0  all files are in the totals
           1  files failed, each with a reason; the totals are of the others
           2  a flag or setting does not fit; 3 the same job runs already
    """
    settings = _settings(flags)
    _make_files(flags, settings)
    from batch.jobs.watch_time.options import Order

    order = Order.of(settings)
    if flags["dry_run"]:
        _show_plan(order, flags["how"])
        return
    raise SystemExit(_run(order, _spark(settings), flags["how"]))


def _settings(flags: dict[str, Any]) -> Settings:
    names = ("output", "workers", "driver_memory", "executor_memory", "shuffle_partitions")
    given = {f"watch_time_{name}": flags[name] for name in names}
    return settings_file.load(lake=flags["lake"], watch_time_input=flags["source"], **given)


def _make_files(flags: dict[str, Any], settings: Settings) -> None:
    """Test data, where it is asked for, or where nothing is there and no place was named."""
    folder = Path(settings.watch_time.input)
    is_asked = flags["files"] is not None or flags["size"] is not None
    is_empty = not folder.is_dir() or not any(folder.iterdir())
    if flags["dry_run"] or not (is_asked or (is_empty and flags["source"] is None)):
        return
    files, size = str(flags["files"] or FILES), flags["size"] or SIZE
    click.echo(f"making test data: {files} files of {size} in {folder}", err=True)
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "producer",
            "files",
            "watch-time",
            "--files",
            files,
            "--size",
            size,
            "--seed",
            str(flags["seed"]),
            "--output-dir",
            str(folder),
        ],
        stdout=STANDARD_ERROR,
        env=_importable(),
        check=False,
    )
    if made.returncode:
        raise SettingsError("the test data was not made", "see above, or give --input")


def _importable() -> dict[str, str]:
    from lakehouse.runtime.processes import importable

    return importable()


def _spark(settings: Settings) -> Start:
    """Starts Spark with what the job may take."""

    def start() -> Any:
        from lakehouse.runtime.session import session

        told = settings.watch_time
        own = {"driver_memory": told.driver_memory or settings.spark.driver_memory, "ui_port": 0}
        spark = settings.model_copy(update={"spark": settings.spark.model_copy(update=own)})
        more = {"spark.sql.shuffle.partitions": str(told.shuffle_partitions)}
        if told.executor_memory:
            more["spark.executor.memory"] = told.executor_memory
        click.echo("starting Spark ...", err=True)
        return session(spark, "watch-time", more)

    return start


def _show_plan(order: Order, how: str) -> None:
    from batch.jobs.watch_time import job
    from batch.jobs.watch_time import render as texts
    from lakehouse.terminal import render

    render.show(texts.planned(job.plan(order, job.inputs(order))), how, sys.stdout, HUMANE)


def _run(order: Order, start: Start, how: str) -> int:
    from batch.jobs.watch_time import job
    from batch.jobs.watch_time import render as texts

    report = job.run(order, start, lambda one: click.echo(texts.outcome(one), err=True))
    _show(report, how)
    return 1 if report.failures else 0


def _show(report: Report, how: str) -> None:
    from batch.jobs.watch_time import render as texts
    from lakehouse.terminal import render

    if how == "json":
        render.show_object(texts.as_dict(report), sys.stdout)
        return
    reads = {"views": HUMANE["rows"], "users": HUMANE["rows"], "copies": HUMANE["rows"]}
    render.show(texts.regions(report), how, sys.stdout, reads)
    report.performance.show(sys.stderr)
    for line in texts.summary(report):
        click.echo(line, err=True)
