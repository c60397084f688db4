"""`score`: a file of a series in, the same rows with their scores out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from anomaly.engine.config import Score as Its
from anomaly.series import Score
from anomaly.series.series import Row, rows

HEADER = ("timestamp", "value", "anomaly_score")


@dataclass
class Counted:
    """What the rows of a file were."""

    rows: int = 0
    alerts: int = 0
    not_a_number: int = 0
    not_a_time: int = 0
    back_in_time: int = 0

    def __str__(self) -> str:
        odd = {
            "without a finite value (scored 0)": self.not_a_number,
            "without a time": self.not_a_time,
            "back in time": self.back_in_time,
        }
        told = "".join(f", {count:,} {what}" for what, count in odd.items() if count)
        return f"{self.rows:,} rows, {self.alerts:,} alerts{told}"


def write(source: TextIO, where: str, target: TextIO, its: Its) -> Counted:
    """Score a file, each row as soon as it is read."""
    counted = Counted()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER)
    for row, score in scored(source, where, its, counted):
        writer.writerow((row.timestamp, row.text, f"{score:.4f}"))
    return counted


def scored(source: TextIO, where: str, its: Its, counted: Counted) -> Iterator[tuple[Row, float]]:
    """Every row with its score; what is odd is counted."""
    score, last = Score(its), -math.inf
    for row in rows(source, where):
        found = score.take(row.seconds, row.value)
        counted.rows += 1
        counted.alerts += found >= 0.5
        counted.not_a_number += not math.isfinite(row.value)
        counted.not_a_time += row.seconds is None
        counted.back_in_time += row.seconds is not None and row.seconds < last
        last = last if row.seconds is None else max(last, row.seconds)
        yield row, found
