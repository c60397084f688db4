"""The command `watch-time`: how long each user watched, by region, over many large CSV files."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.errors import SettingsError
from lakehouse.runtime import rights
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from batch.jobs.watch_time.job import Report, Start
    from batch.jobs.watch_time.options import Options
    from lakehouse.settings import Settings

INPUT, OUTPUT = "data/watch-time", "results/watch-time"
FILES, SIZE = 4, "5MB"
PARTITIONS = 16
GENERATOR = (sys.executable, "-m", "producer", "files", "watch-time")
# What the generator of test data prints is no part of an answer in JSON.
STANDARD_ERROR = 2


def _memory(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9]+[mg]", text):
        raise click.BadParameter("write it as 512m or 2g")
    return text


@click.command("watch-time")
@click.option("--input", "source", metavar="DIR", help=f"CSV files.  [{INPUT}]")
@click.option("--output", metavar="DIR", default=OUTPUT, show_default=True, help="The totals.")
@click.option("--work", metavar="DIR", help="Cleaned files and rejects.  [as --output]")
@click.option("--regions", metavar="FILE", help="Which address is where.  [as in conf/geo]")
@click.option("--files", type=click.IntRange(1), metavar="N", help="Make so many test files first.")
@click.option("--size", metavar="SIZE", help=f"Of each test file: 100MB, 1GB.  [{SIZE}]")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="K")
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    default=0,
    metavar="N",
    help="Files at the same time, each a process of some 0.5 GB.  [as cores and memory allow]",
)
@click.option("--driver-memory", callback=_memory, metavar="1g", help="Of Spark.")
@click.option("--executor-memory", callback=_memory, metavar="1g", help="Of Spark, on a cluster.")
@click.option(
    "--shuffle-partitions",
    type=click.IntRange(1, 100_000),
    default=PARTITIONS,
    show_default=True,
    metavar="N",
    help="Parts of what Spark sorts; some 100 MB of cleaned files each is a good size.",
)
@click.option("--dry-run", is_flag=True, help="Only list the files, and which are clean.")
@FORMAT
@with_settings
@rights.as_user()
def watch_time(settings: Settings, **flags: Any) -> None:
    """Add up how long each user watched in each region, over many large CSV files.

    Files have a header with log_id, user_id, ip, timestamp and watch_time(min), plain or gzip, of
    any size. Phase 1 takes a process a file: duplicates of a log_id out, geo_region from the
    address, Parquet. Phase 2 is Spark: duplicates across files out, sums, a folder a region. The
    page insights/index.html, with its figure, shows what came of it.

    \b
      logpond watch-time                               a first run makes small test files
      logpond watch-time --input /data/views --output /data/watch-time
      logpond watch-time --files 20 --size 1GB --input /data/big --work /scratch/watch-time
      logpond watch-time --input /data/views --dry-run
      logpond sql "SELECT * FROM 'results/watch-time/totals/*/*.parquet' LIMIT 5"

    A log_id counts once. Within a file its first valid line counts; across files the earliest
    timestamp, then the first file by name, whatever its other copies say of user, address or
    minutes. A user in two regions has a row in each, by where each view was made. Regions are
    continents, `private` and `unknown`; where the address is none, `invalid`.

    Lines without an id, a timestamp or a plain number of minutes from 0 on are kept with their
    reason in `rejects` of the --work folder. Every row is accounted for, or the job fails. A rerun
    cleans only files that are new, changed or failed before.

    \b
      exit 0  all files are in the totals
           1  files failed, each with a reason; the totals are of the others
           2  a flag or setting does not fit; 3 the same job runs already
    """
    _make_files(flags)
    options = _options(flags)
    if flags["dry_run"]:
        _show_plan(options, flags["how"])
        return
    from batch.jobs.exchange import opened

    with opened(settings, "watch-time") as exchange:
        options = replace(options, exchange=exchange)
        raise SystemExit(_run(options, _spark(settings, flags), flags["how"]))


def _options(flags: dict[str, Any]) -> Options:
    """What the flags ask for; relative folders count from where you stand."""
    from batch.jobs.watch_time.options import Options, fitting_workers
    from batch.jobs.watch_time.regions import TABLE
    from batch.jobs.watch_time.workspace import Workspace

    return Options(
        _absolute(flags["source"] or INPUT),
        _absolute(flags["output"]),
        Workspace(_absolute(flags["work"] or flags["output"])),
        _absolute(flags["regions"] or TABLE),
        flags["workers"] or fitting_workers(),
    )


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _make_files(flags: dict[str, Any]) -> None:
    """Test data, where it is asked for, or where nothing is there and no place was named."""
    folder = Path(flags["source"] or INPUT)
    is_asked = flags["files"] is not None or flags["size"] is not None
    is_empty = not folder.is_dir() or not any(folder.iterdir())
    if flags["dry_run"] or not (is_asked or (is_empty and flags["source"] is None)):
        return
    files, size = str(flags["files"] or FILES), flags["size"] or SIZE
    echo(f"making test data: {files} files of {size} in {folder}", err=True)
    wanted = ("--files", files, "--size", size, "--seed", str(flags["seed"]))
    made = subprocess.run(
        [*GENERATOR, *wanted, "--output-dir", str(folder)],
        stdout=STANDARD_ERROR,
        env=_importable(),
        check=False,
    )
    if made.returncode:
        raise SettingsError("the test data was not made", "see above, or give --input")


def _importable() -> dict[str, str]:
    from lakehouse.runtime.processes import importable

    return importable()


def _spark(settings: Settings, flags: dict[str, Any]) -> Start:
    """Starts Spark with what the job may take."""

    def start() -> Any:
        from lakehouse.runtime.session import session

        more = {
            "spark.ui.port": "0",
            "spark.sql.shuffle.partitions": str(flags["shuffle_partitions"]),
            "spark.driver.memory": flags["driver_memory"],
            "spark.executor.memory": flags["executor_memory"],
        }
        echo("starting Spark ...", err=True)
        return session(settings, "watch-time", {k: v for k, v in more.items() if v})

    return start


def _show_plan(options: Options, how: str) -> None:
    from batch.jobs.watch_time import job
    from batch.jobs.watch_time.render import render_plan

    render.show(render_plan(job.plan(options, job.inputs(options))), how, sys.stdout, HUMANE)


def _run(options: Options, start: Start, how: str) -> int:
    from batch.jobs.watch_time import job
    from batch.jobs.watch_time.render import render_result

    report = job.run(options, start, lambda one: echo(render_result(one), err=True))
    _show(report, options.output, how)
    return 1 if report.failures else 0


def _show(report: Report, output: Path, how: str) -> None:
    from batch.jobs.watch_time.render import as_dict, render_regions, render_summary

    if how == "json":
        render.show_object(as_dict(report), sys.stdout)
        return
    formats = dict.fromkeys(("views", "users", "copies"), HUMANE["rows"])
    render.show(render_regions(report), how, sys.stdout, formats)
    report.performance.show(sys.stderr)
    for line in render_summary(report):
        echo(line, err=True)
    if report.notes:
        echo(f"see {output / 'insights' / 'index.html'}", err=True)
