"""The commands of `python -m anomaly` that score a series and evaluate detection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.settings import CONF
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, with_places
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.paths import Places

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
CONFIG = click.option("--config", type=FILE, help="Constants.  [conf/anomaly.toml]")


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[standard output]")
@CONFIG
def score(file: Path, out: Path | None, config: Path | None) -> None:
    """Score any series row by row: `timestamp,value` in, `anomaly_score` in 0..1 beside it out.

    \b
      python -m anomaly score cpu.csv --out scored.csv

    0.5 and above is an alert. A row's score rests on it and on the rows before it, on nothing
    else: not on the file's length, its least or its largest value. What cannot be read as a
    number scores 0 and is counted. The last line, on standard error, has the counts.
    """
    from anomaly.series.file import write

    settings = constants(config).score
    with file.open(encoding="utf-8", errors="replace", newline="") as source:
        if out is None:
            counted = write(source, file.name, sys.stdout, settings)
        else:
            with out.open("w", encoding="utf-8", newline="") as target:
                counted = write(source, file.name, target, settings)
    echo(str(counted), err=True)


@click.command()
@click.argument("labels", required=False, type=FILE)
@with_places
@click.option("--rates", type=FOLDER, help="Inject into these counts too: timestamp,value files.")
@click.option("--nab", type=FOLDER, help="Score these labelled series: a folder with windows.json.")
@click.option("--keys", type=click.IntRange(1), default=40, show_default=True)
@click.option("--days", type=click.FloatRange(1), default=3.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@FORMAT
@CONFIG
def evaluate(
    labels: Path | None, places: Places, config: Path | None, how: str, **flags: Any
) -> None:
    """Recall, precision, delay and false alarms: of a lake, or of trouble injected into rates.

    With LABELS, the incidents of the lake are set against what the producer staged. Without, rates
    get trouble, and the detectors are asked.

    \b
      logpond evaluate lake/_state/labels.ndjson
      python -m anomaly evaluate
      python -m anomaly evaluate --rates counts/ --nab nab/ --format json

    Synthetic keys of 2 to 2,000 requests a minute, and the counts given (a row is a minute), get
    spikes, drops, errors and slow answers. The plain z-score runs on the same minutes. What a
    windows.json beside the counts labels is real trouble: raised there is not raised falsely.
    """
    from anomaly.evaluate.labels import compare
    from anomaly.evaluate.run import evaluated
    from anomaly.lake.incidents import incidents

    if labels:
        found = incidents(places)
        tables = compare(labels.read_bytes(), found)
    else:
        tables = evaluated(constants(config), lambda line: echo(line, err=True), **flags)
    _show(tables, how)


def constants(file: Path | None) -> Any:
    """Returns the constants of a file, or those of conf/anomaly.toml, with its lists of networks.

    Raises SettingsError where one of these does not fit.
    """
    from anomaly.engine.config import parse
    from anomaly.lake.crawlers import with_crawlers

    path = file or CONF / "anomaly.toml"
    return with_crawlers(parse(path.read_text(encoding="utf-8"), path.name), path.parent)


def _show(tables: dict[str, list[dict[str, Any]]], how: str) -> None:
    """Prints each part as its own table; as JSON, all parts are one object."""
    if how == "json":
        render.show_object(tables, sys.stdout)
        return
    for rows in tables.values():
        render.show(render.Rows.of_dicts(rows, [*rows[0]] if rows else []), how, sys.stdout)
        echo()
