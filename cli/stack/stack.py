"""The local stack: Kafka, the producer and ingest, from a start to a proven end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

from cli.stack.broker import Broker
from cli.stack.ingest import Ingest
from cli.stack.programs import Page, Sender
from cli.stack.screen import Screen
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.runtime import kafka as topics
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

if TYPE_CHECKING:
    from lakehouse.proof.verify import Verdict

LOOK_SECONDS, ASK_SECONDS = 0.2, 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)
Watch = Callable[[], BaseException | None]


@dataclass(frozen=True)
class Setup:
    """What to run: settings, whether Kafka is ours to start, and the flags of the producer."""

    settings: Settings
    embedded: bool
    produce: list[str]
    page: bool = True


@dataclass
class Outcome:
    """How it ended: `left` records wait in Kafka; without a verdict nothing was ingested yet."""

    verdict: Verdict | None = None
    left: int = 0
    hurried: bool = False
    totals: dict[str, Any] = field(default_factory=dict)


class Stops:
    """Ctrl-C and SIGTERM: the first asks for an orderly end, the second for a quick one.

    `asked` and `hurry` are set for good.
    """

    def __init__(self) -> None:
        self.asked, self.hurry = threading.Event(), threading.Event()

    @contextmanager
    def listening(self) -> Iterator[Stops]:
        """Hear the signals until the end of the block; the third ends the process as usual."""
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
        self._page = Page(self._places)

    def __call__(self) -> Outcome:
        """Run until the producer is done or a stop is asked for; drain; verify."""
        with self._kafka() as settings, closing(self._page):
            outcome = self._flow(settings)
            if not outcome.hurried:
                outcome.verdict = self._verify()
        return outcome

    @contextmanager
    def _kafka(self) -> Iterator[Settings]:
        """Settings that name a Kafka with the topic in it."""
        settings, status = self._setup.settings, self._screen.status
        if not self._setup.embedded:
            status.kafka = settings.kafka.bootstrap
            topics.describe(settings.kafka.bootstrap, settings.kafka.topic)
            yield settings
            return
        status.phase = "starting Kafka"
        with self._broker(settings) as broker:
            self._watched.append(broker.failure)
            kafka = settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})
            status.kafka = broker.bootstrap
            topics.create(broker.bootstrap, kafka.topic, kafka.partitions, _retention(settings))
            yield settings.model_copy(update={"kafka": kafka})

    def _broker(self, settings: Settings) -> Broker:
        _, _, port = settings.kafka.bootstrap.rpartition(":")
        return Broker(self._places.broker, port=int(port), say=self._screen.say)

    def _flow(self, settings: Settings) -> Outcome:
        """Producer and ingest, until all that was sent is in the tables."""
        self._count_rows()
        ingest, sender = Ingest(settings, self._screen), self._sender(settings)
        self._watched += [ingest.failure, sender.failure]
        is_orderly = False
        try:
            self._screen.enter("starting Spark")
            ingest.start()
            sender.start()
            self._until_sent(settings, ingest, sender)
            self._screen.status.is_stopping = True
            self._screen.enter("stopping the producer")
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
        return Sender(
            [*where, "--lake", self._places.lake, *self._setup.produce], log, self._screen.status
        )

    def _until_sent(self, settings: Settings, ingest: Ingest, sender: Sender) -> None:
        while sender.is_running and not self._stops.asked.is_set():
            if ingest.is_reading:
                self._serve(settings)
                self._screen.status.phase = self._screen.status.sending
            self._look()

    def _serve(self, settings: Settings) -> None:
        """The pages, once Spark has started and leaves them some processor; and what is where."""
        if self._page.is_started or not self._setup.page:
            return
        self._screen.status.page = self._page.start(settings)
        self._screen.addresses()

    def _drain(self, ingest: Ingest) -> int:
        """Wait until nothing is left in the topic, or a quick end is asked for; what is left."""
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
    """Rows by the statistics of the files, which ingest always writes."""
    found = store.table_or_none(places, table)
    return int(found.count()) if found else 0
