"""Gauges of the flow for /metrics: what waits, what came too late, how long batches take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client.core import GaugeMetricFamily

from analytics.look.status import QueryStatus, status
from analytics.web.pipeline.batches import batches
from lakehouse.paths import Places

LATE_SECONDS, BATCHES = 60, 5
PHASES = ("decode", "commit", "finish")
OF_QUERIES = (
    ("waiting_records", "Records or rows that a query has yet to read.", "lag_records"),
    ("waiting_seconds", "Since when the oldest of them waits.", "lag_seconds"),
    ("rows_per_second", "Rows that came in the last minute, a second of it.", "rows_per_second"),
)


@dataclass(frozen=True)
class Flow:
    """The gauges of one lake, read as they are asked for; late rows are counted once a minute."""

    places: Places
    bootstrap: str

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each gauge, with a sample a query or phase."""
        now = status(self.places, self.bootstrap, count_late=False).queries
        for name, doc, field in OF_QUERIES:
            yield _gauge(name, doc, "query", {of.name: getattr(of, field) for of in now})
        doc = "Rows that came after their window was closed, and are not counted in it."
        late = _counted(self.places, self.bootstrap, int(time.time() / LATE_SECONDS))
        yield _gauge("late_rows", doc, "query", {of.name: of.late_rows for of in late})
        doc = f"Mean seconds of each phase of the last {BATCHES} batches of ingest."
        yield _gauge("batch_seconds", doc, "phase", _phases(self.places))


@lru_cache(maxsize=1)
def _counted(places: Places, bootstrap: str, _minute: int) -> list[QueryStatus]:
    return status(places, bootstrap).queries


def _phases(places: Places) -> dict[str, float | None]:
    found = batches(places, BATCHES)
    known = {phase: [getattr(one, phase) for one in found] for phase in PHASES}
    return {phase: _mean([s for s in seconds if s is not None]) for phase, seconds in known.items()}


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _gauge(
    name: str, doc: str, label: str, values: dict[str, float | int | None]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"logpond_{name}", doc, labels=[label])
    for of, value in values.items():
        if value is not None:
            gauge.add_metric([of], value)
    return gauge
