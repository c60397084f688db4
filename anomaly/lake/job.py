"""The anomaly job, as it is drawn: logs -> closed minutes -> logs_windowed -> fold -> anomalies.

1. The query `minutes` closes minutes of `logs`, and commits them to `logs_windowed`.
2. Then, in the same batch, `Detection` folds them and writes the incidents that changed.
3. In the background it judges the same minutes by rules of one's own, folds their addresses, looks
   for total silence, and for incidents that somebody has resolved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from anomaly.alerts.alerts import Alerts
from anomaly.engine.config import Config
from anomaly.lake.background import Background, DetectionRun, IsStopping
from anomaly.lake.detection import Detection, OnIncident, allowed_lateness, prepare_tables
from anomaly.rules.detection import RuleDetection
from anomaly.rules.folder import folder_of
from lakehouse.ingest import queries
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal.program import stopped_by_signals
from lakehouse.windows.failure import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.windows.stream import WindowsReport


@contextmanager
def alone(
    settings: Settings,
    places: Places,
    config: Config,
    on_incident: OnIncident,
    note: Callable[[str], None],
    standby: Standby | None = None,
    lost: queries.Lost = lambda _error: None,
) -> Iterator[Callable[[], Detection]]:
    """Judges this lake as its only process, and sends alerts, until the end of the block.

    Yields what makes the tables, and a detection that has folded all closed minutes. `note` is
    called when a webhook fails or a rule is broken, `lost` when another process judges this lake
    from now on. Raises CheckpointError where one does already, unless there is a standby to wait.
    """

    def start() -> Detection:
        prepare_tables(fenced, settings.anomaly)
        tell = (on_incident, alerts.take, alerts.take_resolved)
        own = RuleDetection(fenced, folder_of(settings), note)
        detection = Detection(fenced, config, *tell, own)
        detection()
        return detection

    held = queries.MINUTES.alone(places, standby, lost)
    with held as fenced, Alerts(places, settings, note) as alerts:
        yield start


def query(
    spark: SparkSession,
    settings: Settings,
    detection: Detection,
    failed: Callable[[Exception], None],
) -> DetectionRun:
    """Returns the query that closes minutes and has them folded; it is not started yet."""
    places = detection.places

    def closed(_report: WindowsReport) -> None:
        detection()
        run.background.wake()

    def look(is_stopping: IsStopping) -> None:
        detection.rules(is_stopping)
        detection.addresses(is_stopping)

    silence = detection.silence(Connection.of(settings.kafka))

    def pulse() -> None:
        silence()
        detection.look_at_resolved()

    lateness, every = allowed_lateness(settings.anomaly), settings.anomaly.trigger_seconds
    name = queries.MINUTES.name
    run = DetectionRun(spark, places, name, (MINUTES,), lateness, every, closed, failed)
    run.fold = detection
    run.background = Background(
        look,
        pulse,
        lambda error: failed(explained(error, "addresses and rules", places)),
    )
    return run


class Detect:
    """The anomaly program by itself: a Spark application with one query.

    It runs until a signal, or `once` over what is there. `on_incident` is called with each
    incident, `note` when a webhook fails.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        config: Config,
        on_incident: OnIncident,
        note: Callable[[str], None] = lambda _why: None,
        waits: bool = False,
    ) -> None:
        self._settings = settings
        self._stop = threading.Event()
        standby = Standby(lambda: self._stop.is_set(), note) if waits else None
        judge = partial(alone, settings, places, config, on_incident, note)
        self._alone = partial(judge, standby, self._failed)
        self._failure: Exception | None = None

    def __call__(self, once: bool) -> None:
        """Runs to the end. Raises what stopped it, as an error with a remedy."""
        self._stop = stopped_by_signals()
        with suppress(StoppedWaiting), self._alone() as start:
            self._run(start(), once)
        if self._failure:
            raise self._failure

    def _run(self, detection: Detection, once: bool) -> None:
        from lakehouse.runtime.session import session

        spark = session(self._settings, "anomaly")
        run = query(spark, self._settings, detection, self._failed)
        if once:
            run.once()
            detection.look_at_resolved()
        else:
            run.start()
            self._stop.wait()
            run.stop()
        with suppress(Exception):
            spark.stop()

    def _failed(self, error: Exception) -> None:
        self._failure = error
        self._stop.set()
