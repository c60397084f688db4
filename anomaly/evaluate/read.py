"""Folders of series, read: rates as counts, and labelled series with their windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from anomaly.evaluate.benchmark import Series
from anomaly.series.series import rows, seconds, values
from lakehouse.errors import SettingsError


def counts(folder: Path) -> dict[str, list[float]]:
    """Every series of a folder as requests a minute, a row a minute."""
    found = {file.stem: values(file) for file in sorted(folder.rglob("*.csv"))}
    if not found:
        raise SettingsError(f"{folder} has no CSV file", "Give a folder of timestamp,value files.")
    return found


def trouble(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """First and last rows of what a windows.json labels, by series; here or one folder up."""
    for home in (folder, folder.parent):
        if (home / "windows.json").is_file():
            return {Path(one.name).stem: list(one.windows) for one in labelled(home)}
    return {}


def labelled(folder: Path) -> list[Series]:
    """The series that a folder's windows.json names."""
    file = folder / "windows.json"
    if not file.is_file():
        raise SettingsError(
            f"{folder} has no windows.json", "Give a folder of the Numenta Anomaly Benchmark."
        )
    windows: dict[str, list[tuple[str, str]]] = json.loads(file.read_text())
    return [_series(folder, name, told) for name, told in sorted(windows.items())]


def _series(folder: Path, name: str, told: list[tuple[str, str]]) -> Series:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        held = list(rows(file, name))
    at = np.array([np.nan if row.seconds is None else row.seconds for row in held])
    windows = []
    for first, last in told:
        inside = np.flatnonzero((at >= (seconds(first) or 0)) & (at <= (seconds(last) or 0)))
        if len(inside):
            windows.append((int(inside[0]), int(inside[-1])))
    return Series(name, [row.seconds for row in held], [row.value for row in held], windows)
