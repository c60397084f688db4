"""The command `service-metrics`: how services answer, and when they were too slow."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.runtime import rights
from lakehouse.terminal import render, times
from lakehouse.terminal.options import table_or_json, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from batch.jobs.service_metrics.job import Options, Summary
    from lakehouse.settings import Settings

COLUMNS = ("service", "environment", "requests", "errors", "error_rate", "mean_ms", "spikes")
READS_AS = {
    "requests": "{:,}".format,
    "errors": "{:,}".format,
    "error_rate": "{:.2%}".format,
    "mean_ms": lambda ms: "" if ms is None else f"{ms:,.1f}",
}
LEAST_WINDOW = timedelta(minutes=10)


@click.command("service-metrics")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="PATH",
    help="JSON lines: a file, a folder or a glob; repeatable.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the results are.",
)
@click.option(
    "--engine",
    type=click.Choice(["dataframe", "rdd"]),
    default="dataframe",
    show_default=True,
    help="Who counts; the numbers are the same.",
)
@click.option("--source", type=click.Choice(["files", "lake"]), default="files", show_default=True)
@click.option(
    "--window",
    default="30m",
    show_default=True,
    metavar="TIME",
    help="The minutes before one that it is judged by.",
)
@click.option(
    "--z",
    type=click.FloatRange(0, min_open=True),
    default=3.0,
    show_default=True,
    help="Standard deviations from which a minute is a spike, and a record an outlier.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be read and written; write nothing.")
@table_or_json("one object")
@with_settings
@rights.as_user()
def service_metrics(
    inputs: tuple[str, ...],
    output: Path,
    engine: str,
    source: str,
    window: str,
    z: float,
    dry_run: bool,
    how: str,
    settings: Settings,
) -> None:
    """Response times, error rates and spikes by service and environment, in batch, by Spark.

    Every line is an event of logpond as one JSON object, or is counted and kept as a reject. A
    minute is a spike if its mean response time lies --z standard deviations above the minutes of
    the --window before it, of which there must be ten. DIR gets metrics/, minutes/ (each with its
    z), anomalies/ (the spikes), enriched/ (the events, each with the z of its minute and its own),
    outliers/ (the events whose own z is that high), rejects/ as Parquet, and insights/index.html;
    all of them change at once, at the end, or not at all. An event's own z is against all requests
    of its service in that environment.

    \b
    exit 0  done; rejects are counted, and in rejects/
         1  lines in are not events and rejects out: the result before was kept
         2  a flag, a file or a folder does not fit: no line is an event, a file is broken
         3  another run writes to DIR
         4  the lake has no logs

    \b
      logpond files services --output-dir data/services
      logpond service-metrics --input data/services --output results/services
      logpond service-metrics --input data/services --output /tmp/rdd --engine rdd --format json
      logpond service-metrics --input 'data/services/service=search/**/*.ndjson' --output /tmp/s
      logpond service-metrics --source lake --output results/lake --window 1h --z 4
      logpond sql "FROM 'results/services/anomalies/*.parquet'"
      logpond sql "FROM 'results/services/outliers/*.parquet' ORDER BY record_z DESC LIMIT 10"
    """
    from batch.jobs import folders
    from batch.jobs.performance import render_machine
    from batch.jobs.service_metrics.job import PARTS, Options

    found = Options(
        _source(source, inputs, settings),
        output.expanduser().absolute(),
        engine,
        _window(window),
        z,
    )
    folders.writable(found.output, PARTS)
    if dry_run:
        _show_preview(found, how)
        return
    if how == "table":
        echo(render_machine("pyspark", "duckdb"), err=True)
    _show(found, _run(found, settings), how)


def _source(source: str, inputs: tuple[str, ...], settings: Settings) -> Any:
    from batch.formats.paths import expand
    from batch.jobs.service_metrics.source import Files, Lake

    if source == "lake":
        if inputs:
            raise SettingsError("--input is given with --source lake", "give one of them")
        return Lake.newest(Places.of(settings))
    if not inputs:
        raise SettingsError("no --input is given", "name files, or read the lake: --source lake")
    return Files(tuple(expand(inputs)))


def _window(text: str) -> timedelta:
    window = times.length(text, "--window")
    if window < LEAST_WINDOW:
        raise SettingsError(f"--window {text} holds too few minutes", "give at least 10m")
    return window


def _run(options: Options, settings: Settings) -> Summary:
    """With a Spark of its own, whose log is in the results where no lake is needed."""
    from batch.jobs.exchange import opened
    from batch.jobs.service_metrics.source import Files

    with opened(settings, "service-metrics") as exchange:
        options = replace(options, exchange=exchange)
        if isinstance(options.source, Files):
            options = replace(options, source=replace(options.source, exchange=exchange))
            if not exchange.place:
                settings = settings.model_copy(update={"lake": str(options.output / ".spark")})
        return _run_there(options, settings)


def _run_there(options: Options, settings: Settings) -> Summary:
    from batch.jobs.service_metrics import insights, job, progress
    from lakehouse.runtime.session import session

    if sys.stderr.isatty():
        echo("starting Spark ...", err=True)
    spark = session(settings, "service-metrics", {"spark.ui.port": "0"})
    try:
        with progress.displayed(spark, sys.stderr):
            return job.run(options, spark, insights.draw)
    finally:
        spark.stop()


def _show(options: Options, summary: Summary, how: str) -> None:
    rows = summary.metrics
    if how == "json":
        render.show_object(_as_dict(options, summary, rows), sys.stdout)
        return
    render.show(render.Rows.of_dicts(rows, COLUMNS), how, sys.stdout, READS_AS)
    summary.performance.show(sys.stderr)
    echo(_render_summary(options, summary), err=True)


def _render_summary(options: Options, summary: Summary) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.rejects.items())
    rejects = f"{summary.rejected:,} rejects" + (f" ({reasons})" if reasons else "")
    example = [f"  first: {summary.example}"] if summary.example else []
    spikes = sum(one["spikes"] for one in summary.metrics)
    return "\n".join(
        [
            f"{summary.lines:,} lines: {summary.events:,} events, {rejects}",
            *example,
            f"{summary.outliers:,} records are outliers",
            f"{spikes:,} minutes are spikes; see {options.output / 'insights' / 'index.html'}",
        ]
    )


def _as_dict(options: Options, summary: Summary, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "lines": summary.lines,
        "events": summary.events,
        "rejects": summary.rejects,
        "first_reject": summary.example,
        "engine": options.engine,
        "window_seconds": int(options.window.total_seconds()),
        "z": options.threshold,
        "outliers": summary.outliers,
        "metrics": rows,
        "output": str(options.output),
        "performance": summary.performance.as_dict(),
    }


def _show_preview(options: Options, how: str) -> None:
    from batch.jobs.service_metrics.job import preview

    found = preview(options)
    if how == "json":
        render.show_object(found, sys.stdout)
        return
    rows = [[name, _listed(value)] for name, value in found.items()]
    render.show(render.Rows(["dry run", ""], rows), "table", sys.stdout)


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "unknown" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
