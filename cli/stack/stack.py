"""The local stack: Kafka, producer and ingest, from a start to a proven end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

from anomaly.alerts.receivers import receivers_of
from cli.stack.broker import Broker
from cli.stack.ingest import Ingest
from cli.stack.late_rows import count_late
from cli.stack.phases import Phases
from cli.stack.programs import Gateway, Page, Sender, Tables
from cli.stack.screen import Screen
from lakehouse import store
from lakehouse.errors import LogpondError
from lakehouse.ingest.queries import INGEST, MINUTES
from lakehouse.paths import Places
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.sources import sources_of
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

if TYPE_CHECKING:
    from lakehouse.proof.verdict import Verdict

# Lines of applications for each request that the demo sends.
APP_LINES = "0.05"
# A back-fill runs so far ahead of ingest, and no further: both share the cores.
MOST_LAG = "100000"
# What a start waits for, in its order.
STARTING = "starting Kafka and Spark: waiting for the broker"
SPARK = "starting Spark: waiting for its JVM"
FIRST_ROWS = "waiting for the first rows: Spark starts its query and a worker"
LOOK_SECONDS, ASK_SECONDS = 0.2, 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)
Watch = Callable[[], BaseException | None]


@dataclass(frozen=True)
class Setup:
    """What to run: settings, whether to start Kafka here, and the flags of the producer."""

    settings: Settings
    embedded: bool
    produce: list[str]
    page: bool = True
    gateway: bool = True
    postgres: bool = True


@dataclass
class Outcome:
    """The result: `left` records wait in Kafka; without a verdict nothing was ingested yet."""

    verdict: Verdict | None = None
    left: int = 0
    hurried: bool = False
    totals: dict[str, Any] = field(default_factory=dict)


class Stops:
    """Ctrl-C and SIGTERM: the first one asks for an orderly end, the second for a quick one.

    `asked` and `hurry` stay set.
    """

    def __init__(self) -> None:
        self.asked, self.hurry = threading.Event(), threading.Event()

    @contextmanager
    def listening(self) -> Iterator[Stops]:
        """Handles the signals until the end of the block; the third ends the process at once."""
        before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.hurry.is_set():
            raise KeyboardInterrupt
        (self.hurry if self.asked.is_set() else self.asked).set()


class Stack:
    """One run of the local stack."""

    def __init__(self, setup: Setup, screen: Screen, stops: Stops) -> None:
        self._setup, self._screen, self._stops = setup, screen, stops
        self._places = Places.of(setup.settings)
        self._watched: list[Watch] = []
        self._is_serving = False
        self._page, self._gateway = Page(self._places), Gateway(self._places)
        self._tables = Tables(self._places)
        self._ingest = Ingest(screen)
        screen.status.phases = Phases(self._places.phases)

    def __call__(self) -> Outcome:
        """Runs until the producer is done or a stop is asked for; then drains, and verifies."""
        receivers_of(self._setup.settings)  # a fault of its file is said before anything starts
        self._refuse_second()
        opened = closing(self._ingest), closing(self._page), closing(self._gateway)
        with opened[0], self._kafka() as settings, opened[1], opened[2], closing(self._tables):
            outcome = self._flow(settings)
            if not outcome.hurried:
                self._screen.enter("counting late rows")
                count_late(self._places, self._screen.say)
                outcome.verdict = self._verify()
        return outcome

    def _refuse_second(self) -> None:
        """Raises CheckpointError where another process writes, before broker and Spark start."""
        for query in (INGEST, MINUTES):
            if query.is_running(self._places):
                with query.alone(self._places):
                    pass

    @contextmanager
    def _kafka(self) -> Iterator[Settings]:
        """Yields settings that name a Kafka which has the topic."""
        settings, status = self._setup.settings, self._screen.status
        if not self._setup.embedded:
            status.kafka = settings.kafka.bootstrap
            topics.describe(Connection.of(settings.kafka), settings.kafka.topic)
            yield settings
            return
        self._screen.enter(STARTING)
        with self._broker(settings) as broker:
            self._watched.append(broker.failure)
            kafka = settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})
            status.kafka = broker.bootstrap
            for topic in {kafka.topic: None, **sources_of(settings).named()}:
                topics.create(broker.connection, topic, kafka.partitions, _retention(settings))
            yield settings.model_copy(update={"kafka": kafka})

    def _broker(self, settings: Settings) -> Broker:
        _, _, port = settings.kafka.bootstrap.rpartition(":")
        # Spark needs no broker yet, and the broker leaves most of a core to it
        return Broker(
            self._places.broker,
            port=int(port),
            say=self._screen.say,
            on_owned=lambda: self._ingest.prepare(settings),
        )

    def _flow(self, settings: Settings) -> Outcome:
        """Runs producer and ingest until all that was sent is in the tables."""
        self._count_rows()
        ingest, sender = self._ingest, self._sender(settings)
        self._watched += [ingest.failure, sender.failure]
        is_orderly = False
        try:
            self._screen.enter(SPARK)
            ingest.start(settings)
            sender.start()
            self._until_sent(settings, ingest, sender)
            self._screen.status.is_stopping = True
            self._screen.enter("stopping the producer")
            self._gateway.close()
            sender.stop()
            left = self._drain(ingest)
            is_orderly = not self._stops.hurry.is_set()
        finally:
            sender.stop()
            self._screen.enter("stopping ingest")
            ingest.stop(hurry=not is_orderly)
        self._check()
        return Outcome(left=left, hurried=self._stops.hurry.is_set(), totals=sender.totals)

    def _sender(self, settings: Settings) -> Sender:
        kafka, log = settings.kafka, self._places.program_log("producer")
        where = ["--bootstrap", kafka.bootstrap, "--topic", kafka.topic]
        if self._setup.embedded and kafka.app_topic in sources_of(settings).named():
            where += ["--app-lines", APP_LINES]
        return Sender(
            [*where, "--lake", self._places.lake, "--most-lag", MOST_LAG, *self._setup.produce],
            log,
            self._screen.status,
        )

    def _until_sent(self, settings: Settings, ingest: Ingest, sender: Sender) -> None:
        while sender.is_running and not self._stops.asked.is_set():
            if ingest.is_reading:
                self._serve(settings)
                self._show_progress()
            self._look()

    def _show_progress(self) -> None:
        """Shows what the producer does, once there are rows; until then, that there are none."""
        status = self._screen.status
        if status.batch is not None:
            status.phases.leave()
            status.phase = status.sending
        elif status.phase != FIRST_ROWS:
            self._screen.enter(FIRST_ROWS)

    def _serve(self, settings: Settings) -> None:
        """Starts pages and gateway once Spark has started and leaves CPU; prints the addresses."""
        if self._is_serving:
            return
        self._is_serving, status = True, self._screen.status
        if self._setup.gateway:
            try:
                status.gateway = self._gateway.start(settings, self._screen.say)
            except LogpondError as error:
                self._screen.say(f"no gateway: {error.what}")
        if self._setup.page:
            port = self._gateway.port or settings.gateway.port
            status.page = self._page.start(settings, port)
        if self._setup.postgres:
            try:
                status.postgres = self._tables.start(settings, self._screen.say)
            except LogpondError as error:
                self._screen.say(f"no server for PostgreSQL's tools: {error.what}")
        if status.page or status.gateway or status.postgres:
            self._screen.addresses()

    def _drain(self, ingest: Ingest) -> int:
        """Waits until the topic is read or a quick end is asked for; returns what is left."""
        self._screen.enter("draining")
        while left := ingest.behind():
            self._screen.status.phase = f"draining: {left:,} records left"
            if self._stops.hurry.wait(ASK_SECONDS):
                break
            self._look()
        return left

    def _look(self) -> None:
        self._check()
        self._screen.beat()
        time.sleep(LOOK_SECONDS)

    def _check(self) -> None:
        for failure in self._watched:
            if error := failure():
                raise error

    def _count_rows(self) -> None:
        status = self._screen.status
        status.logs, status.quarantine = (_rows(self._places, t) for t in (LOGS, QUARANTINE))

    def _verify(self) -> Verdict | None:
        from lakehouse.proof.verify import verify

        self._screen.enter("verifying")
        return verify(self._places) if store.table_or_none(self._places, LOGS) else None


def _retention(settings: Settings) -> dict[str, str]:
    hours, size = settings.kafka.retention_hours, settings.kafka.retention_bytes
    return {"retention.ms": str(hours * 3_600_000), "retention.bytes": str(size)}


def _rows(places: Places, table: Table) -> int:
    """Returns the number of rows by the statistics of the files, which ingest always writes."""
    found = store.table_or_none(places, table)
    return int(found.count()) if found else 0
