"""From settings to a running ingest, and from there to a clean stop between two batches."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from lakehouse import decode
from lakehouse.decode import Limits
from lakehouse.errors import LogpondError
from lakehouse.ingest.admission import admit
from lakehouse.ingest.checkpoint import Manifest, kafka_json
from lakehouse.ingest.intake import Decode
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.session import log_file, session
from lakehouse.settings import Ingest as IngestSettings
from lakehouse.settings import Settings
from lakehouse.store import Writer, disk
from lakehouse.tables.catalog import QUARANTINE
from lakehouse.windows.run import ClosingRun
from lakehouse.windows.stream import WindowsReport
from streaming import job, source, windows
from streaming.failure import explained
from streaming.fetch import SILENT
from streaming.guard import PATIENCE_SECONDS, Guard
from streaming.progress import Reporter
from streaming.report import BatchReport
from streaming.upkeep.schedule import Schedule
from streaming.watch import Watch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

APPLICATION = "streaming"
PRODUCERS_CLOCK = (
    "note: {topic} keeps its producers' clocks (CreateTime); the guard against events from the "
    "future is only as good as they are: set message.timestamp.type=LogAppendTime"
)
KAFKA_TIMEOUT = "org.apache.kafka.common.errors.TimeoutException"


# Queries of another program that run in the same application; they are told whom to tell failures.
Also = Callable[["SparkSession", Callable[[Exception], None]], list[ClosingRun]]


@dataclass
class Hooks:
    """What a caller may hear or replace; tests kill at `reached` and change `decode`."""

    on_batch: Callable[[BatchReport], None] = lambda _report: None
    on_start: Callable[[str], None] = lambda _spark_ui: None
    on_notice: Callable[[str], None] = lambda _why: None
    on_closed: Callable[[WindowsReport], None] = lambda _report: None
    also: Also = lambda _spark, _failed: []
    reached: Callable[[str, BatchPlan], None] = lambda _step, _plan: None
    decode: Decode = decode.decode


@dataclass
class Run:
    """One run of ingest and windows: until `stop` is set, or `once` all that is there.

    A stop ends each between two batches. With `settle`, windows close at the end what they can.
    """

    settings: Settings
    places: Places
    stop: threading.Event
    hooks: Hooks = field(default_factory=Hooks)
    once: bool = False
    settle: Callable[[], bool] = lambda: False
    cut_short: bool = False
    _failure: Exception | None = None
    _closing_failure: Exception | None = None
    _rejects: dict[int, int] = field(default_factory=dict)
    _guard: Guard = field(init=False)

    def __call__(self) -> None:
        """Run to the end. Raises what stopped the query, in words with a remedy."""
        with INGEST.alone(self.places):
            manifest = self._admitted()
            self._guard = self._guarding(manifest)
            self._guard.between_batches()
            windows.admit(self.places, self.settings.windows, self.hooks.on_notice)
            spark = session(self.settings, APPLICATION)
            try:
                self._stream(spark, manifest)
            except (Py4JError, ConnectionError) as error:
                raise LogpondError(
                    "Spark ended unexpectedly; nothing is lost",
                    f"start again; {log_file(self.settings, APPLICATION)} says why",
                ) from error
            finally:
                with suppress(Py4JError, ConnectionError):
                    spark.stop()

    def _admitted(self) -> Manifest:
        kafka = self.settings.kafka
        topic = topics.describe(kafka.bootstrap, kafka.topic)
        offsets = topics.offsets(kafka.bootstrap, kafka.topic)
        if not topics.trusts_its_clock(kafka.bootstrap, kafka.topic):
            self.hooks.on_notice(PRODUCERS_CLOCK.format(topic=kafka.topic))
        earliest = {partition: first for partition, (first, _) in offsets.items()}
        return admit(self.places, INGEST.name, topic, earliest, INGEST.tables, decode.VERSION)

    def _guarding(self, manifest: Manifest) -> Guard:
        bootstrap = self.settings.kafka.bootstrap
        topic = topics.TopicClient(bootstrap, manifest.topic, PATIENCE_SECONDS)
        return Guard(manifest, INGEST.checkpoint(self.places), topic, self.stop.is_set)

    def _stream(self, spark: SparkSession, manifest: Manifest) -> None:
        ingest = self._ingest(manifest)
        with ExitStack() as opened:
            closing, upkeep = self._closing(spark), Schedule(self.settings, self.hooks.on_notice)
            for query in closing:
                opened.callback(query.stop)
            opened.callback(upkeep.stop)
            if not self.once:
                upkeep.start()
                for query in closing:
                    query.start()
            self._until_done(spark, manifest, ingest)
            for query in closing:
                query.stop()
            if self.once or self.settle():
                self._settle(closing)
        if self._closing_failure:
            raise self._closing_failure

    def _closing(self, spark: SparkSession) -> list[ClosingRun]:
        settings, told = self.settings.windows, self.hooks.on_closed
        closing = windows.windows(spark, self.places, settings, told, self._closing_failed)
        return [closing, *self.hooks.also(spark, self._closing_failed)]

    def _settle(self, closing: list[ClosingRun]) -> None:
        """Close at the end what the newest event closes."""
        for query in closing:
            if not self.cut_short and not self._closing_failure:
                query.once()

    def _closing_failed(self, error: Exception) -> None:
        """Where closing ends, the program ends too, in words; ingest between two batches."""
        self._closing_failure = error
        self.stop.set()

    def _until_done(self, spark: SparkSession, manifest: Manifest, ingest: job.Ingest) -> None:
        """The query, started again whenever its broker was away, or the clock was set back."""
        spark.sparkContext.setLocalProperty("spark.scheduler.pool", INGEST.name)
        self.hooks.on_start(spark.sparkContext.uiWebUrl or "")
        while True:
            query = job.start(self._records(spark, manifest), ingest, self._trigger())
            watch = self._follow(spark, query)
            self.cut_short = watch.cut_short
            if self.cut_short:
                return
            if self._has_lost_broker(query):
                self._wait_for_broker()
            elif self.stop.is_set() or not watch.waits_too_long:
                return

    def _records(self, spark: SparkSession, manifest: Manifest) -> Any:
        kafka = self.settings.kafka
        return source.read(
            spark,
            kafka.bootstrap,
            kafka.topic,
            kafka_json(manifest),
            self.settings.ingest.max_offsets,
        )

    def _trigger(self) -> dict[str, str | bool]:
        seconds = self.settings.ingest.trigger_seconds
        return {"availableNow": True} if self.once else {"processingTime": f"{seconds} seconds"}

    def _ingest(self, manifest: Manifest) -> job.Ingest:
        return job.Ingest(
            places=self.places,
            manifest=manifest,
            checkpoint=INGEST.checkpoint(self.places),
            plans=BatchPlans(self.places),
            writers={table.name: Writer(self.places, table) for table in INGEST.tables},
            limits=limits(self.settings.ingest),
            source=source.kafka(self.settings.kafka.bootstrap, manifest.topic),
            coalesce_below=self.settings.ingest.coalesce_below,
            decode=self.hooks.decode,
            check=self._guard.after_reading,
            is_stopping=self.stop.is_set,
            reached=self._reached,
            failed=self._failed,
        )

    def _follow(self, spark: SparkSession, query: StreamingQuery) -> Watch:
        """Report batches until the query ends, or a stop ends it."""
        reporter = Reporter(self._rejects_of, self.hooks.on_batch)
        say, check = self.hooks.on_notice, self._guard.between_batches
        watch = Watch(spark, query, reporter, self.stop, self._is_up, say, check)
        watch()
        return watch

    def _has_lost_broker(self, query: StreamingQuery) -> bool:
        """Whether the query ended for want of its broker; raises where it failed otherwise."""
        failure, self._failure = self._failure, None
        if isinstance(failure, LogpondError):
            raise failure
        error = failure or (None if self.stop.is_set() else query.exception())
        if error is None:
            return False
        is_full = disk.full(error, self._disks()) is not None
        if not is_full:
            self._guard.between_batches()  # which knows better than Spark what is wrong with it
        is_silent = any(sign in str(error) for sign in (KAFKA_TIMEOUT, SILENT))
        if is_full or (not is_silent and self._is_up()):
            raise explained(str(error), self.settings.kafka.topic, self._disks())
        return not self.stop.is_set()

    def _is_up(self) -> bool:
        return topics.is_up(self.settings.kafka.bootstrap)

    def _disks(self) -> list[str]:
        """Where it writes, checkpoints first: what fills a disk elsewhere says so itself."""
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


def limits(ingest: IngestSettings) -> Limits:
    """What decoding refuses, out of the settings."""
    behind = timedelta(days=ingest.behind_days) if ingest.behind_days else None
    return Limits(timedelta(minutes=ingest.ahead_minutes), behind, ingest.payload_cap)
