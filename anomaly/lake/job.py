"""The anomaly job, as it is drawn: logs -> closed minutes -> logs_windowed -> fold -> anomalies.

Minutes are committed first; the fold goes by the table alone. A start folds what is there, and
writes every incident that `anomalies` lacks or holds otherwise: a crash anywhere loses nothing.
Beside it, addresses are folded by the rows of `logs` that the same minutes counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from anomaly.engine.config import Config
from anomaly.engine.engine import Watchman
from anomaly.engine.incident import Incident
from anomaly.lake.background import Beside, BothRun, IsStopping
from anomaly.lake.fold import Snapshots, closed_minutes, fold, is_new_day
from anomaly.lake.incident_writer import OnChanges, record
from anomaly.lake.logs.watch import AddressWatch
from anomaly.lake.silence import Silence, absence, open_silence
from lakehouse import store
from lakehouse.ingest import queries
from lakehouse.ingest.lag import is_level, last_arrival
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.definition import prepare
from lakehouse.windows.failure import explained
from lakehouse.windows.run import ClosingRun
from lakehouse.windows.stream import WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Detection:
    """Folds what was closed since the last time; `on_incident` hears each change once a process.

    `on_changes` hears of changes before the table has them, and again after a crash in between.
    """

    places: Places
    config: Config
    on_incident: Callable[[Incident], None] = lambda _incident: None
    on_changes: OnChanges = lambda _changes: None
    _watchman: Watchman = field(init=False)
    _snapshots: Snapshots = field(init=False)
    _addresses: AddressWatch = field(init=False)
    _recording: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._snapshots = Snapshots(self.places, self.config)
        self._watchman = self._snapshots.newest()
        self._addresses = AddressWatch(self.places, self.config)

    @property
    def open(self) -> list[Incident]:
        """The incidents that are open."""
        return [case.incident for case in self._watchman.book.open.values()]

    def __call__(self) -> list[Incident]:
        """Fold the minutes that were closed meanwhile; the incidents that changed."""
        before = self._watchman.folded_to
        table = store.open_table(self.places, MINUTES.name)
        written = self._record(fold(self._watchman, closed_minutes(table, before)))
        if is_new_day(before, self._watchman.folded_to):
            self._snapshots.keep(self._watchman)
        return written

    def addresses(self, is_stopping: IsStopping = lambda: False) -> list[Incident]:
        """Fold the addresses of those minutes, until a stop; the incidents that changed."""
        written: list[Incident] = []
        for changed in self._addresses.changes(store.open_table(self.places, MINUTES.name)):
            written += self._record(changed)
            if is_stopping():
                break
        return written

    def silence(self, bootstrap: str) -> Callable[[], None]:
        """What looks whether nothing comes at all, though ingest at this Kafka has no lag."""
        silence = Silence(
            self.config,
            partial(last_arrival, self.places),
            partial(is_level, self.places, bootstrap),
            partial(absence, self._watchman),
            open_silence(self.places),
        )

        def look() -> None:
            if changed := silence.look(datetime.now(UTC)):
                self._record({changed.incident_id: changed})

        return look

    def _record(self, changed: Mapping[str, Incident]) -> list[Incident]:
        with self._recording:
            written = record(self.places, changed, self.config, self.on_changes)
            for incident in written:
                self.on_incident(incident)
        return written


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
    bootstrap: str,
) -> ClosingRun:
    """The query that closes minutes and has them folded, not started yet.

    `bootstrap` is the Kafka of ingest, which tells whether it lags.
    """

    def closed(_report: WindowsReport) -> None:
        detection()
        run.beside.wake()

    def look(is_stopping: IsStopping) -> None:
        detection.addresses(is_stopping)

    name, every = queries.MINUTES.name, settings.trigger_seconds
    run = BothRun(spark, places, name, (MINUTES,), late(settings), every, closed, failed)
    run.fold = detection
    run.beside = Beside(
        look,
        detection.silence(bootstrap),
        lambda error: failed(explained(error, "addresses", places)),
    )
    return run
