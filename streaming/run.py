"""Runs ingest by the settings, up to a clean stop between two batches."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from lakehouse import decode
from lakehouse.errors import BrokerError, LogpondError
from lakehouse.ingest.admission import admit, is_midway
from lakehouse.ingest.manifest import Manifest
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.session import log_file, session
from lakehouse.schemas.asked import at_start
from lakehouse.schemas.connection import RegistryConnection
from lakehouse.schemas.registry import WithRegistry
from lakehouse.settings import Settings
from lakehouse.sources import sources_of
from lakehouse.sources.limits import limits
from lakehouse.storage import reach
from lakehouse.store import Writer, disk
from lakehouse.store.lease.grant import Standby
from lakehouse.tables.catalog import QUARANTINE
from lakehouse.windows.run import ClosingRun
from lakehouse.windows.stream import WindowsReport
from streaming import job, source, subscriptions, windows
from streaming.failure import explained
from streaming.fetch import SILENT
from streaming.guard import PATIENCE_SECONDS, Guard
from streaming.pace import Pace, between
from streaming.progress import BatchReport, Reporter
from streaming.records import Range
from streaming.upkeep.schedule import Schedule
from streaming.warming import Warming
from streaming.watch import Watch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

APPLICATION = "streaming"
# Spark plans and reads no rows here: code compiled at once will do, and takes 40 % less CPU.
QUICK_START = ("-XX:TieredStopAtLevel=1",)
KAFKA_TIMEOUT = "org.apache.kafka.common.errors.TimeoutException"


# Queries of another program that run in the same application; failures go to the second argument.
Also = Callable[["SparkSession", Callable[[Exception], None]], list[ClosingRun]]


def application(settings: Settings, variables: Mapping[str, str]) -> SparkSession:
    """Returns the program's session, as it is or started now; `variables` are the JVM's alone."""
    return session(settings, APPLICATION, variables=variables, java_options=QUICK_START)


@dataclass
class Hooks:
    """Calls of the caller, and what it may replace; tests kill at `reached` and change `decode`."""

    on_batch: Callable[[BatchReport], None] = lambda _report: None
    on_start: Callable[[str], None] = lambda _spark_ui: None
    on_notice: Callable[[str], None] = lambda _why: None
    on_closed: Callable[[WindowsReport], None] = lambda _report: None
    also: Also = lambda _spark, _failed: []
    reached: Callable[[str, BatchPlan], None] = lambda _step, _plan: None
    decode: Callable[..., decode.Decoded] = decode.decode


@dataclass
class Run:
    """One run of ingest and windows: until `stop` is set, or `once` over all that is there.

    A stop ends each query between two batches. If `closes_windows()`, the windows that can close do
    so at the end. With a `standby` it first waits until no other process writes the lake.
    """

    settings: Settings
    places: Places
    stop: threading.Event
    hooks: Hooks = field(default_factory=Hooks)
    once: bool = False
    closes_windows: Callable[[], bool] = lambda: False
    standby: Standby | None = None
    cut_short: bool = False
    _failure: Exception | None = None
    _closing_failure: Exception | None = None
    _rejects: dict[int, int] = field(default_factory=dict)
    _waits: int = 0
    _first_done: list[Callable[[], None]] = field(default_factory=list)
    _connection: Connection = field(init=False)
    _spark: SparkSession | None = None
    _registry: RegistryConnection | None = None
    _warming: Warming | None = None
    _guard: Guard = field(init=False)
    _pace: Pace = field(init=False)

    def __call__(self) -> None:
        """Runs to the end. Raises what stopped the query, as an error with a remedy."""
        self._connection = Connection.of(self.settings.kafka)
        try:
            if self.standby:
                self._warm_up()  # Spark has run a query when the lake is free
            with INGEST.alone(self.places, self.standby, self._closing_failed) as self.places:
                try:
                    self._write()
                finally:
                    self._stop_spark()  # which may call us until then
        finally:
            self._stop_spark()

    def _warm_up(self) -> None:
        """Has all that a batch needs ready, by what the manifest of the other process says."""

        def ingest() -> job.Ingest | None:
            manifest = INGEST.checkpoint(self.places).manifest()
            return self._ingest(manifest, {}) if manifest else None

        self._warming = Warming(self._session(), self._connection, ingest)
        self._warming.start()

    def _write(self) -> None:
        """Runs to the end, as the only process that writes."""
        if self._warming:
            self._warming.end()
        manifest = self._manifest()
        self._guard = self._guarding(manifest)
        ingest = self.settings.ingest
        self._pace = Pace(ingest.max_offsets, ingest.max_batch_bytes, ingest.batch_seconds)
        self._guard.between_batches()
        windows.prepare_tables(self.places, self.settings.windows, self.hooks.on_notice)
        try:
            self._stream(self._session(), manifest)
        except (Py4JError, ConnectionError) as error:
            raise LogpondError(
                "Spark ended unexpectedly; nothing is lost",
                f"start again; {log_file(self.settings, APPLICATION)} says why",
            ) from error

    def _session(self) -> SparkSession:
        if self._spark is None:
            self._spark = application(self.settings, self._connection.environment())
        return self._spark

    def _stop_spark(self) -> None:
        if self._spark is not None:
            with suppress(Py4JError, ConnectionError):
                self._spark.stop()
        self._spark = None

    def _manifest(self) -> Manifest:
        sources = sources_of(self.settings)
        checkpoint = INGEST.checkpoint(self.places)
        midway = is_midway(checkpoint.progress())
        found = subscriptions.find(sources, self._connection, checkpoint.manifest(), midway)
        readings = sources.readings(topic.name for topic in found.topics)
        manifest = admit(
            self.places,
            INGEST.name,
            found.topics,
            found.earliest,
            INGEST.tables,
            decode.VERSION,
            readings,
        )
        self._registry, silent = at_start(self.settings.registry, manifest.readings.values())
        for note in filter(None, (*found.notes, silent)):
            self.hooks.on_notice(note)
        return manifest

    def _guarding(self, manifest: Manifest) -> Guard:
        client = topics.TopicsClient(self._connection, manifest.topics, PATIENCE_SECONDS)
        return Guard(manifest, INGEST.checkpoint(self.places), client, self.stop.is_set)

    def _stream(self, spark: SparkSession, manifest: Manifest) -> None:
        writers = {table.name: Writer(self.places, table) for table in INGEST.tables}
        ingest = self._ingest(manifest, writers)
        ingest.check, ingest.is_off = self._guard.after_reading, self._pace.learn
        with ExitStack() as opened:
            closing, upkeep = self._closing(spark), Schedule(self.settings, self.hooks.on_notice)
            for query in closing:
                opened.callback(query.stop)
            opened.callback(upkeep.stop)
            if not self.once:
                self._first_done = [upkeep.start, *(query.start for query in closing)]
            self._until_done(spark, manifest, ingest)
            for query in closing:
                query.stop()
            if self.once or self.closes_windows():
                self._close_windows(closing)
        if self._closing_failure:
            raise self._closing_failure

    def _closing(self, spark: SparkSession) -> list[ClosingRun]:
        settings, on_closed = self.settings.windows, self.hooks.on_closed
        closing = windows.windows(spark, self.places, settings, on_closed, self._closing_failed)
        return [closing, *self.hooks.also(spark, self._closing_failed)]

    def _close_windows(self, closing: list[ClosingRun]) -> None:
        """Closes, at the end, the windows that the newest event closes."""
        for query in closing:
            if not self.cut_short and not self._closing_failure:
                query.once()

    def _closing_failed(self, error: Exception) -> None:
        """Ends the program too when closing windows fails, or when another process writes now.

        Ingest stops between two batches.
        """
        self._closing_failure = error
        self.stop.set()

    def _until_done(self, spark: SparkSession, manifest: Manifest, ingest: job.Ingest) -> None:
        """Runs the query; starts it again if the broker was away or the clock was set back."""
        spark.sparkContext.setLocalProperty("spark.scheduler.pool", INGEST.name)
        self.hooks.on_start(spark.sparkContext.uiWebUrl or "")
        warming = threading.Thread(target=ingest.warm_up, args=(spark,), daemon=True)
        warming.start()
        while True:
            query = job.start(self._records(spark, manifest, ingest), ingest, self._trigger())
            watch = self._follow(spark, query)
            self.cut_short = watch.cut_short
            if self.cut_short:
                return
            if self._pace.is_off and not self.stop.is_set():
                continue
            if self._has_lost_broker(query):
                self._wait_for_broker()
            elif self.stop.is_set() or not watch.waits_too_long:
                return

    def _records(self, spark: SparkSession, manifest: Manifest, ingest: job.Ingest) -> Any:
        waiting = self._waiting(ingest)
        self._waits = sum(each.size for each in waiting)
        offsets = self._pace.begin(waiting, ingest.source.fetch)
        return source.read(spark, self._connection, manifest, offsets)

    def _waiting(self, ingest: job.Ingest) -> list[Range]:
        """The records that wait; none where the broker does not answer, which the query says."""
        progress = ingest.checkpoint.progress()
        following = ingest.checkpoint.end(progress.completed if progress else None)
        try:
            bounds = self._guard.topics.bounds(committed=True)
        except BrokerError:
            return []
        return between(following, bounds)

    def _trigger(self) -> dict[str, str | bool]:
        seconds = self.settings.ingest.trigger_seconds
        return {"availableNow": True} if self.once else {"processingTime": f"{seconds} seconds"}

    def _ingest(self, manifest: Manifest, writers: dict[str, Writer]) -> job.Ingest:
        return job.Ingest(
            places=self.places,
            manifest=manifest,
            checkpoint=INGEST.checkpoint(self.places),
            plans=BatchPlans(self.places),
            writers=writers,
            limits=limits(self.settings),
            source=source.kafka(self._connection, manifest),
            coalesce_below=self.settings.ingest.coalesce_below,
            decode=WithRegistry(
                partial(self.hooks.decode, readings=manifest.readings), self._registry
            ),
            is_stopping=self.stop.is_set,
            reached=self._reached,
            failed=self._failed,
        )

    def _follow(self, spark: SparkSession, query: StreamingQuery) -> Watch:
        """Reports batches until the query ends, or a stop ends it."""
        reporter = Reporter(self._rejects_of, self.hooks.on_batch, self._waits)
        say, check = self.hooks.on_notice, self._guard.between_batches
        watch = Watch(spark, query, reporter, self.stop, self._is_up, say, check, self._settled)
        watch()
        return watch

    def _settled(self) -> None:
        """Starts what would only slow down the first batch: it waits until that is in the tables.

        The same where there is nothing to take.
        """
        while self._first_done:
            self._first_done.pop(0)()

    def _has_lost_broker(self, query: StreamingQuery) -> bool:
        """Whether the query ended because its broker was away. Raises where it failed otherwise."""
        failure, self._failure = self._failure, None
        if isinstance(failure, LogpondError):
            raise failure
        error = failure or (None if self.stop.is_set() else query.exception())
        if error is None:
            return False
        is_place = disk.full(error, self._disks()) or reach.fault(error)
        if not is_place:
            self._guard.between_batches()  # which knows better than Spark what is wrong with it
        is_silent = any(sign in str(error) for sign in (KAFKA_TIMEOUT, SILENT))
        if is_place or (not is_silent and self._is_up()):
            read = ", ".join(self._guard.manifest.topics)
            raise explained(str(error), read, self._disks())
        return not self.stop.is_set()

    def _is_up(self) -> bool:
        return topics.is_up(self._connection)

    def _disks(self) -> list[str]:
        """The places that it writes to, checkpoints first; a full disk elsewhere names itself."""
        return [self.places.checkpoints, self.places.lake, tempfile.gettempdir()]

    def _wait_for_broker(self) -> None:
        self.hooks.on_notice(f"Kafka does not answer at {self.settings.kafka.bootstrap}; waiting")
        while not self.stop.wait(1) and not self._is_up():
            pass

    def _failed(self, error: Exception) -> None:
        self._failure = error

    def _reached(self, step: str, plan: BatchPlan) -> None:
        self._rejects[plan.batch] = plan.rows_of(QUARANTINE.name)
        self.hooks.reached(step, plan)

    def _rejects_of(self, batch: int) -> int:
        return self._rejects.pop(batch, 0)
