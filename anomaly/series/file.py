"""The command `score`: reads a file of a series, and writes its rows with their scores."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from anomaly.engine.config import Score as Constants
from anomaly.series.committee import Score
from lakehouse.errors import SettingsError
from lakehouse.formats.tables.rows import csv_reader
from lakehouse.formats.times import rfc_3339
from lakehouse.terminal.render import csv_line

COLUMNS = ("timestamp", "value")
SMALLEST_MILLIS = 1e11


@dataclass(frozen=True)
class Row:
    """One row as it was written, with its seconds since the epoch (if known) and its value.

    The value is NaN where it is not a number.
    """

    timestamp: str
    text: str
    seconds: float | None
    value: float


def rows(file: TextIO, where: str) -> Iterator[Row]:
    """Yields every row after the header; one that cannot be read has the value NaN."""
    reader = csv_reader(file)
    header = [name.strip().lstrip("\ufeff").lower() for name in next(reader, [])]
    if not set(COLUMNS) <= set(header):
        raise SettingsError(
            f"{where}: the first line has no {' and '.join(COLUMNS)}",
            "Give a CSV file with the header timestamp,value.",
        )
    at, value = (header.index(name) for name in COLUMNS)
    while (cells := _next(reader)) is not None:
        if cells:
            padded = [*cells, *[""] * len(header)]
            yield Row(padded[at], padded[value], seconds(padded[at]), number(padded[value]))


def values(path: Path) -> list[float]:
    """Returns the values of a file, without those that are not numbers."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [row.value for row in rows(file, path.name) if math.isfinite(row.value)]


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """Returns the cells of the next line; a line that cannot be parsed is one unreadable cell."""
    try:
        return next(reader, None)
    except csv.Error:
        return [""]


def number(text: str) -> float:
    """Converts a text to a number, or to NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def seconds(text: str) -> float | None:
    """Converts a time (without a zone: UTC), or a number in s, ms, us or ns, to seconds."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        plain = number(text)
        if math.isfinite(plain) and abs(plain) < SMALLEST_MILLIS:
            return plain
        # milliseconds, microseconds and other forms, as everywhere
        found = rfc_3339(text, "UTC")
        return datetime.fromisoformat(found).timestamp() if found else None


HEADER = ("timestamp", "value", "anomaly_score")


@dataclass
class Counted:
    """Counts the rows of a file by what was wrong with them."""

    rows: int = 0
    alerts: int = 0
    not_a_number: int = 0
    not_a_time: int = 0
    back_in_time: int = 0

    def __str__(self) -> str:
        faults = {
            "without a finite value (scored 0)": self.not_a_number,
            "without a time": self.not_a_time,
            "back in time": self.back_in_time,
        }
        counts = "".join(f", {count:,} {what}" for what, count in faults.items() if count)
        return f"{self.rows:,} rows, {self.alerts:,} alerts{counts}"


def write(source: TextIO, where: str, target: TextIO, config: Constants) -> Counted:
    """Scores a file, and writes each row as soon as it is read."""
    counted = Counted()
    target.write(f"{csv_line(HEADER)}\n")
    for row, score in scored(source, where, config, counted):
        # a number stays as it was written
        value = row.text if math.isfinite(row.value) else csv_line([row.text])
        target.write(f"{csv_line([row.timestamp])},{value},{score:.4f}\n")
    return counted


def scored(
    source: TextIO, where: str, config: Constants, counted: Counted
) -> Iterator[tuple[Row, float]]:
    """Yields every row with its score, and counts what cannot be read."""
    score, last = Score(config), -math.inf
    for row in rows(source, where):
        found = score.take(row.seconds, row.value)
        counted.rows += 1
        counted.alerts += found >= 0.5
        counted.not_a_number += not math.isfinite(row.value)
        counted.not_a_time += row.seconds is None
        counted.back_in_time += row.seconds is not None and row.seconds < last
        last = last if row.seconds is None else max(last, row.seconds)
        yield row, found
