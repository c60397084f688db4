"""Detection on a lake: closed minutes are folded, and incidents that changed are written.

It reads only the table of minutes. At a start it folds what is there, and writes every incident
that is missing in `anomalies` or differs: a crash loses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.alerts.alert import Change
from anomaly.engine.config import Config
from anomaly.engine.engine import Engine, State
from anomaly.engine.incident import Incident, start_of
from anomaly.lake.background import IsStopping
from anomaly.lake.fold import fold
from anomaly.lake.incidents import OnChanges, incidents, open_of_past, write
from anomaly.lake.minutes import closed_minutes
from anomaly.lake.rows.folds import RowDetection
from anomaly.lake.silence import Silence, absence, open_silence
from anomaly.lake.snapshots import Snapshots
from anomaly.rules.detection import RuleDetection
from lakehouse import store
from lakehouse.ingest import queries
from lakehouse.ingest.lag import is_level, last_arrival
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Anomaly
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.incidents import OPEN
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.definition import prepare

SNAPSHOTS_KEPT = 8
# Rows of so many minutes are folded before incidents of these minutes are written: a second.
SOON_MINUTES = 10
OnIncident = Callable[[Incident], None]


@dataclass
class Detection:
    """Folds the minutes closed since the last call, from the newest snapshot on.

    `on_incident` is called with each change once a process. `on_changes` is called with changes
    before the table has them, and again after a crash in between. `on_resolved` is given what
    returns the open incidents, and looks now and then which of them somebody has resolved. `own`
    has the rules of one's own.
    """

    places: Places
    config: Config
    on_incident: OnIncident = lambda _incident: None
    on_changes: OnChanges = lambda _changes: None
    on_resolved: Callable[[Callable[[], list[Incident]]], None] = lambda _open_ones: None
    own: RuleDetection | None = None
    _engine: Engine = field(init=False)
    _snapshots: Snapshots = field(init=False)
    _rows: RowDetection = field(init=False)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _folding: threading.Lock = field(default_factory=threading.Lock)
    _of_past: dict[str, Incident] = field(init=False)

    def __post_init__(self) -> None:
        self._snapshots = state_snapshots(self.places, self.config)
        newest = self._snapshots.newest(State, partial(Engine.load, self.config))
        self._engine = newest or Engine(self.config)
        self._rows = RowDetection(self.places, self.config)
        own = self.own.open if self.own else []
        judged = (*self.open, *self._rows.folds.incidents, *own)
        going_on = {one.incident_id for one in judged}
        self._of_past = {one.incident_id: one for one in open_of_past(self.places, going_on)}

    @property
    def open(self) -> list[Incident]:
        """Returns the incidents that are open."""
        return self._engine.incidents

    def __call__(self) -> list[Incident]:
        """Folds the minutes that were closed meanwhile. Returns the incidents that changed.

        The first call also writes those that `analyze` found and that go on: they are told now.
        After the first minute of a day a snapshot of the state is kept for that day.
        """
        before = self._engine.folded_to
        table = store.open_table(self.places, MINUTES.name)
        first_seen, self._of_past = self._of_past, {}
        changed = first_seen | fold(self._engine, closed_minutes(table, before))
        if self._folding.acquire(blocking=False):
            try:
                written = self._with_rows(table, changed)
            finally:
                self._folding.release()
        else:
            # the thread beside this one folds rows, perhaps of a filled lake
            written = self._write(changed)
        day = start_of(self._engine.folded_to).date()
        if before >= 0 and start_of(before).date() != day:
            self._snapshots.keep(str(day), self._engine.dump())
        return written

    def addresses(self, is_stopping: IsStopping = lambda: False) -> list[Incident]:
        """Folds addresses and patterns of those minutes, until a stop. Returns what changed."""
        written: list[Incident] = []
        with self._folding:
            for changed in self._rows.changes(store.open_table(self.places, MINUTES.name)):
                written += self._write(changed)
                if is_stopping():
                    break
        return written

    def _with_rows(self, table: DeltaTable, changed: Mapping[str, Incident]) -> list[Incident]:
        """Writes changed incidents together with those of rows of the same minutes.

        So an address that is the cause is told, and not what it did to an endpoint. Where rows of
        many minutes are to be folded, nothing waits for them.
        """
        folded_to = self._rows.folds.folded_to
        if not 0 <= self._engine.folded_to - folded_to <= SOON_MINUTES or folded_to < 0:
            return self._write(changed)
        spans = self._rows.changes(table)
        written = self._write({**changed, **next(spans, {})})
        for later in spans:
            written += self._write(later)
        return written

    def rules(self, is_stopping: IsStopping = lambda: False) -> list[Incident]:
        """Judges those minutes by rules of one's own. Returns the changed incidents."""
        written: list[Incident] = []
        if self.own is None:
            return written
        for changed, of_past in self.own.changes(store.open_table(self.places, MINUTES.name)):
            written += self._write(changed, of_past)
            if is_stopping():
                break
        return written

    def silence(self, connection: Connection) -> Callable[[], None]:
        """Returns what looks for total silence while ingest from this Kafka has no lag."""
        silence = Silence(
            self.config,
            partial(last_arrival, self.places),
            partial(is_level, self.places, connection),
            partial(absence, self._engine),
            open_silence(self.places),
        )

        def look() -> None:
            if changed := silence.look(datetime.now(UTC)):
                self._write({changed.incident_id: changed})

        return look

    def look_at_resolved(self) -> None:
        """Has those told who heard of incidents that somebody has resolved since."""
        self.on_resolved(lambda: incidents(self.places, pc.field("status") == OPEN))

    def _write(self, changed: Mapping[str, Incident], of_past: bool = False) -> list[Incident]:
        with self._writing:
            tell = self._tell_of_past if of_past else self.on_changes
            known = (self.places, changed, self.config, tell, of_past)
            changes = write(*known, rules=self.own.rules if self.own else None)
            written = [change.after for change in changes]
            for incident in written:
                self.on_incident(incident)
        return written

    def _tell_of_past(self, changes: Sequence[Change]) -> None:
        """Tells of what is over only whom its beginning was told."""
        self.on_changes([change for change in changes if change.before])


def state_snapshots(places: Places, config: Config) -> Snapshots:
    """Returns the snapshots of the engine, one a day."""
    return Snapshots(places, config, "state", SNAPSHOTS_KEPT)


def prepare_tables(places: Places, settings: Anomaly) -> None:
    """Makes the tables. Raises CheckpointError where the lake has minutes of another kind."""
    queries.MINUTES.checkpoint(places).progress()
    prepare(places, MINUTES, allowed_lateness(settings))
    store.create(places, ANOMALIES)


def allowed_lateness(settings: Anomaly) -> timedelta:
    """How long a minute waits for late events."""
    return timedelta(seconds=settings.watermark_seconds)
