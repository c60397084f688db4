"""Web logs of the shop as CSV, a file an hour, with a header: the columns of a request."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson

from lakehouse.event.fields import LogEvent
from producer.traffic.clock import stamp
from producer.traffic.curve import HOUR, MICROS, busyness
from producer.traffic.traffic import Traffic

# The fields of a line that is no request.
NOT_OF_REQUESTS = {"message", "severity_number", "host", "logger", "exception", "span_id"}
COLUMNS = tuple(field.name for field in fields(LogEvent) if field.name not in NOT_OF_REQUESTS)
MINUTE = 60 * MICROS


@dataclass(frozen=True)
class Spec:
    """What to make: `rate` requests a second, on average over a week."""

    seed: int
    start: int
    hours: int
    rate: float

    def facts(self) -> dict[str, Any]:
        """Returns what the bytes of every file depend on."""
        return {"seed": self.seed, "rate": self.rate}

    def files(self, folder: Path) -> dict[Path, partial[int]]:
        """Returns each hour's file, and the function that writes it."""
        hours = (self.start + number * HOUR for number in range(self.hours))
        return {
            folder / f"web-logs-{stamp(hour)[:13]}.csv": partial(write, self, hour)
            for hour in hours
        }


def write(spec: Spec, hour: int, path: Path) -> int:
    """Writes the requests of an hour in order of time. Returns how many there are."""
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        return sum(1 for _ in map(writer.writerow, _events(spec, hour)))


def _events(spec: Spec, hour: int) -> Iterator[dict[str, Any]]:
    traffic = Traffic(spec.seed, hour, spec.rate)
    traffic.random = Random(f"web logs {spec.seed} {hour}")
    for minute in range(hour, hour + HOUR, MINUTE):
        many = int(60 * spec.rate * busyness(minute) + traffic.random.random())
        for _, value in traffic.tick(minute, minute + MINUTE, many):
            yield orjson.loads(value or b"{}")
