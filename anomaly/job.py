"""The anomaly job, as it is drawn: logs -> closed minutes -> logs_windowed -> fold -> anomalies.

Minutes are committed first; the fold goes by the table alone. A start folds what is there, and
writes every incident that `anomalies` lacks or holds otherwise: a crash anywhere loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.config import Config
from anomaly.fold import QUERY, Snapshots, closed_minutes, fold, is_new_day
from anomaly.incident import Incident
from anomaly.table import rows_of
from anomaly.watchman import Watchman
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.rollup import MINUTES
from lakehouse.settings import Anomaly
from lakehouse.store import Replacement
from lakehouse.tables import ANOMALIES
from lakehouse.windows.define import prepare
from lakehouse.windows.run import ClosingRun
from lakehouse.windows.stream import WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Detection:
    """Folds what was closed since the last time; `on_incident` hears each change once a process."""

    places: Places
    config: Config
    on_incident: Callable[[Incident], None] = lambda _incident: None
    _watchman: Watchman = field(init=False)
    _snapshots: Snapshots = field(init=False)

    def __post_init__(self) -> None:
        self._snapshots = Snapshots(self.places, self.config)
        self._watchman = self._snapshots.newest()

    @property
    def open(self) -> list[Incident]:
        """The incidents that are open."""
        return [case.incident for case in self._watchman.book.open.values()]

    def __call__(self) -> list[Incident]:
        """Fold the minutes that were closed meanwhile; the incidents that changed."""
        before = self._watchman.folded_to
        table = store.open_table(self.places, MINUTES.name)
        changed = fold(self._watchman, closed_minutes(table, before))
        written = record(self.places, changed)
        if is_new_day(before, self._watchman.folded_to):
            self._snapshots.keep(self._watchman)
        for incident in written:
            self.on_incident(incident)
        return written


def record(places: Places, incidents: Mapping[str, Incident]) -> list[Incident]:
    """Write those that the table lacks or holds otherwise; which these were."""
    if not incidents:
        return []
    written: list[Incident] = []
    store.replace(places, ANOMALIES, partial(_replacement, incidents, written))
    return written


def _replacement(
    incidents: Mapping[str, Incident], written: list[Incident], current: DeltaTable
) -> Replacement | None:
    chosen = pc.field("incident_id").isin([*incidents])
    held = current.to_pyarrow_dataset().to_table(filter=chosen).to_pylist()
    there = {row["incident_id"]: row for row in held}
    rows = {row["incident_id"]: row for row in rows_of(incidents.values()).to_pylist()}
    written[:] = [incidents[name] for name, row in rows.items() if there.get(name) != row]
    if not written:
        return None
    names = ", ".join(f"'{one.incident_id}'" for one in written)
    return Replacement(rows_of(written), f"incident_id IN ({names})", note={"writer": "anomaly"})


def admit(places: Places, settings: Anomaly) -> None:
    """Make the tables, or refuse to go on with minutes of another kind (CheckpointError)."""
    prepare(places, MINUTES, late(settings))
    store.create(places, ANOMALIES)


def late(settings: Anomaly) -> timedelta:
    """How long a minute waits for late events."""
    return timedelta(seconds=settings.watermark_seconds)


def minutes(
    spark: SparkSession,
    places: Places,
    settings: Anomaly,
    detection: Detection,
    failed: Callable[[Exception], None],
) -> ClosingRun:
    """The query that closes minutes and has them folded, not started yet."""

    def closed(_report: WindowsReport) -> None:
        detection()

    every = settings.trigger_seconds
    return ClosingRun(spark, places, QUERY, (MINUTES,), late(settings), every, closed, failed)
