"""The command `evaluate`: makes all tables, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from anomaly.engine.config import Config
from anomaly.engine.detectors import METHODS
from anomaly.evaluate.inject import Rates, given, staged, synthetic
from anomaly.evaluate.nab import Series, report, shares
from anomaly.evaluate.outcome import alarms, figures
from anomaly.series.file import rows, seconds, values
from lakehouse.errors import SettingsError

OnProgress = Callable[[str], None]
Rows = list[dict[str, Any]]


def evaluated(
    config: Config,
    progress: OnProgress,
    rates: Path | None,
    nab: Path | None,
    keys: int,
    days: float,
    seed: int,
) -> dict[str, Rows]:
    """Returns the tables by name: injected trouble and, if given, the labelled series."""
    made = synthetic(keys, days, seed)
    tables = {"injected": list(injected(config, progress, rates, made, seed))}
    if nab:
        tables["labelled"] = benchmark(config, progress, nab)
    return tables


def injected(
    config: Config, progress: OnProgress, folder: Path | None, made: Rates, seed: int
) -> Iterator[dict[str, Any]]:
    """Yields rows of both methods on the same minutes: synthetic keys, given ones, and all."""
    sources = {
        "synthetic": made,
        **({"given": given(counts(folder), trouble(folder))} if folder else {}),
    }
    stages = {name: staged(source, seed) for name, source in sources.items()}
    for method in METHODS:
        of = {}
        for name, stage in stages.items():
            size = f"{len(stage.rates.names)} keys, {len(stage.errors):,} minutes"
            progress(f"{name}: {size}, {method}")
            of[name] = figures(stage, alarms(stage, config, method))
        if folder:
            of["all"] = {kind: tally + of["given"][kind] for kind, tally in of["synthetic"].items()}
        for name, tallies in of.items():
            for kind, tally in tallies.items():
                yield {"rates": name, "method": method, "kind": kind, **tally.row}


def benchmark(config: Config, progress: OnProgress, folder: Path) -> Rows:
    """Scores the labelled series by the rule of the benchmark."""
    each, scored = labelled(folder), {}
    for one in each:
        progress(f"{one.name}: {len(one.values):,} rows")
        scored[one.name] = shares(one, config.score)
    return report(each, scored, config.score)


def counts(folder: Path) -> dict[str, list[float]]:
    """Returns name -> requests a minute, for every series of a folder."""
    found = {file.stem: values(file) for file in sorted(folder.rglob("*.csv"))}
    if not found:
        raise SettingsError(f"{folder} has no CSV file", "Give a folder of timestamp,value files.")
    return found


def trouble(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Returns series -> first and last rows of labels, from windows.json here or one folder up."""
    for home in (folder, folder.parent):
        if (home / "windows.json").is_file():
            return {Path(one.name).stem: list(one.windows) for one in labelled(home)}
    return {}


def labelled(folder: Path) -> list[Series]:
    """Returns the series that windows.json of a folder names."""
    file = folder / "windows.json"
    if not file.is_file():
        raise SettingsError(
            f"{folder} has no windows.json", "Give a folder of the Numenta Anomaly Benchmark."
        )
    windows: dict[str, list[tuple[str, str]]] = json.loads(file.read_text())
    return [_series(folder, name, labels) for name, labels in sorted(windows.items())]


def _series(folder: Path, name: str, labels: list[tuple[str, str]]) -> Series:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        scored = list(rows(file, name))
    at = np.array([np.nan if row.seconds is None else row.seconds for row in scored])
    windows = []
    for first, last in labels:
        inside = np.flatnonzero((at >= (seconds(first) or 0)) & (at <= (seconds(last) or 0)))
        if len(inside):
            windows.append((int(inside[0]), int(inside[-1])))
    return Series(name, [row.seconds for row in scored], [row.value for row in scored], windows)
