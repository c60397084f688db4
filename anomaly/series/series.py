"""A file of `timestamp,value`, row by row: whatever stands in it, and what is wrong with it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from lakehouse.errors import SettingsError

COLUMNS = ("timestamp", "value")


@dataclass(frozen=True)
class Row:
    """One row: as it was written, its seconds since the epoch if told, its value if a number."""

    timestamp: str
    text: str
    seconds: float | None
    value: float


def rows(file: TextIO, where: str) -> Iterator[Row]:
    """Every row after the header; one that cannot be read has a value that is not a number."""
    reader = csv.reader(file)
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
    """The values of a file, those that are numbers."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [row.value for row in rows(file, path.name) if math.isfinite(row.value)]


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The cells of the next line; a line that no reader takes is one unreadable cell."""
    try:
        return next(reader, None)
    except csv.Error:
        return [""]


def number(text: str) -> float:
    """The number that a text is, or not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def seconds(text: str) -> float | None:
    """Seconds since the epoch of an ISO time (without a zone: UTC) or of a number."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        plain = number(text)
        return plain if math.isfinite(plain) and abs(plain) < 1e12 else None
