"""The anomaly job, as it is drawn: logs -> closed minutes -> logs_windowed -> fold -> anomalies.

Minutes are committed first; the fold goes by the table alone. A start folds what is there, and
writes every incident that `anomalies` lacks or holds otherwise: a crash anywhere loses nothing. In
the background, addresses are folded from the rows of `logs` that the same minutes counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from anomaly.alerts.webhook import Alerts
from anomaly.engine.config import Config
from anomaly.engine.engine import Engine, State
from anomaly.engine.incident import Incident, start_of
from anomaly.lake.addresses import AddressDetection
from anomaly.lake.background import Background, DetectionRun, IsStopping
from anomaly.lake.fold import fold
from anomaly.lake.incidents import OnChanges, write
from anomaly.lake.minutes import closed_minutes
from anomaly.lake.silence import Silence, absence, open_silence
from anomaly.lake.snapshots import Snapshots
from lakehouse import store
from lakehouse.ingest import queries
from lakehouse.ingest.lag import is_level, last_arrival
from lakehouse.paths import Places
from lakehouse.settings import Anomaly, Settings
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal.program import stopped_by_signals
from lakehouse.windows.definition import prepare
from lakehouse.windows.failure import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.windows.stream import WindowsReport

SNAPSHOTS_KEPT = 8
OnIncident = Callable[[Incident], None]


@dataclass
class Detection:
    """Folds what was closed since the last time, from the newest snapshot on.

    `on_incident` hears of each change once a process. `on_changes` hears of changes before the
    table has them, and again after a crash in between.
    """

    places: Places
    config: Config
    on_incident: OnIncident = lambda _incident: None
    on_changes: OnChanges = lambda _changes: None
    _engine: Engine = field(init=False)
    _snapshots: Snapshots = field(init=False)
    _addresses: AddressDetection = field(init=False)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._snapshots = Snapshots(self.places, self.config, "state", SNAPSHOTS_KEPT)
        newest = self._snapshots.newest(State, partial(Engine.load, self.config))
        self._engine = newest or Engine(self.config)
        self._addresses = AddressDetection(self.places, self.config)

    @property
    def open(self) -> list[Incident]:
        """The incidents that are open."""
        return self._engine.incidents

    def __call__(self) -> list[Incident]:
        """Fold the minutes that were closed meanwhile. Returns the incidents that changed.

        After the first minute of a day the state is kept, as that of its day.
        """
        before = self._engine.folded_to
        table = store.open_table(self.places, MINUTES.name)
        written = self._write(fold(self._engine, closed_minutes(table, before)))
        day = start_of(self._engine.folded_to).date()
        if before >= 0 and start_of(before).date() != day:
            self._snapshots.keep(str(day), self._engine.dump())
        return written

    def addresses(self, is_stopping: IsStopping = lambda: False) -> list[Incident]:
        """Fold the addresses of those minutes, until a stop. Returns the incidents that changed."""
        written: list[Incident] = []
        for changed in self._addresses.changes(store.open_table(self.places, MINUTES.name)):
            written += self._write(changed)
            if is_stopping():
                break
        return written

    def silence(self, bootstrap: str) -> Callable[[], None]:
        """What looks whether nothing comes at all, though ingest at this Kafka has no lag."""
        silence = Silence(
            self.config,
            partial(last_arrival, self.places),
            partial(is_level, self.places, bootstrap),
            partial(absence, self._engine),
            open_silence(self.places),
        )

        def look() -> None:
            if changed := silence.look(datetime.now(UTC)):
                self._write({changed.incident_id: changed})

        return look

    def _write(self, changed: Mapping[str, Incident]) -> list[Incident]:
        with self._writing:
            written = write(self.places, changed, self.config, self.on_changes)
            for incident in written:
                self.on_incident(incident)
        return written


def prepare_tables(places: Places, settings: Anomaly) -> None:
    """Make the tables. CheckpointError where the lake has minutes of another kind."""
    queries.MINUTES.checkpoint(places).progress()
    prepare(places, MINUTES, allowed_lateness(settings))
    store.create(places, ANOMALIES)


def allowed_lateness(settings: Anomaly) -> timedelta:
    """How long a minute waits for late events."""
    return timedelta(seconds=settings.watermark_seconds)


@contextmanager
def alone(
    settings: Settings,
    places: Places,
    config: Config,
    on_incident: OnIncident,
    note: Callable[[str], None],
) -> Iterator[Callable[[], Detection]]:
    """Be the one process that judges this lake, and send alerts, until the end of the block.

    Yields what makes the tables and a detection that has folded what is closed already. `note`
    hears of a webhook that fails. CheckpointError where another process judges this lake.
    """

    def start() -> Detection:
        prepare_tables(places, settings.anomaly)
        detection = Detection(places, config, on_incident, alerts.take)
        detection()
        return detection

    with queries.MINUTES.alone(places), Alerts(places, settings.webhook, note) as alerts:
        yield start


def query(
    spark: SparkSession,
    settings: Settings,
    detection: Detection,
    failed: Callable[[Exception], None],
) -> DetectionRun:
    """The query that closes minutes and has them folded, not started yet."""
    places = detection.places

    def closed(_report: WindowsReport) -> None:
        detection()
        run.background.wake()

    def look(is_stopping: IsStopping) -> None:
        detection.addresses(is_stopping)

    lateness, every = allowed_lateness(settings.anomaly), settings.anomaly.trigger_seconds
    name = queries.MINUTES.name
    run = DetectionRun(spark, places, name, (MINUTES,), lateness, every, closed, failed)
    run.fold = detection
    run.background = Background(
        look,
        detection.silence(settings.kafka.bootstrap),
        lambda error: failed(explained(error, "addresses", places)),
    )
    return run


class Detect:
    """The anomaly program by itself: a Spark application with one query.

    Runs until a signal, or `once` over what is there. `on_incident` hears of each incident, `note`
    of a webhook that fails.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        config: Config,
        on_incident: OnIncident,
        note: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._settings = settings
        self._alone = partial(alone, settings, places, config, on_incident, note)
        self._stop = threading.Event()
        self._failure: Exception | None = None

    def __call__(self, once: bool) -> None:
        """Run to the end. Raises what stopped it, in words."""
        self._stop = stopped_by_signals()
        with self._alone() as start:
            self._run(start(), once)
        if self._failure:
            raise self._failure

    def _run(self, detection: Detection, once: bool) -> None:
        from lakehouse.runtime.session import session

        spark = session(self._settings, "anomaly")
        run = query(spark, self._settings, detection, self._failed)
        if once:
            run.once()
        else:
            run.start()
            self._stop.wait()
            run.stop()
        with suppress(Exception):
            spark.stop()

    def _failed(self, error: Exception) -> None:
        self._failure = error
        self._stop.set()
