"""The only Kafka producer: idempotent, acks=all, and it counts exactly what was not acked.

Only failures call back. A record that is neither queued nor failed is acked; at the end the queue
is purged, and each record that comes back is unsent. So an ack costs nothing in Python.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from lakehouse.runtime.kafka_client import RIGHTS, TO_SEND, AccessError, denied, is_refusal, refused
from lakehouse.runtime.kafka_connection import Connection
from producer.traffic.faults import Record

PATIENCE_SECONDS = 10.0
STALL_SECONDS = 5.0
POLL_EVERY = 500
MOST_REFUSED = 10_000
TUNING = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 20,
    "batch.size": 1 << 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 128 << 10,
    # an outage of the broker is waited for: the queue's bounds hold the generator back
    "message.timeout.ms": 0,
    "delivery.report.only.error": True,
}
REFUSALS = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}


class Publisher:
    """Sends records to one topic until `stop` is set, `deadline` is over, or it is `broken`.

    Where Kafka refuses it, `refusal` says what of.

    `beat` is called several times a second while it works; `notice` gets lines for a person.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        stop: threading.Event,
        notice: Callable[[str], None],
        beat: Callable[[], None],
    ) -> None:
        self._topic, self._connection, self._stop = topic, connection, stop
        self._notice, self._beat = notice, beat
        self.taken, self.unsent, self.refused = 0, list[Record](), list[Record]()
        self.broken, self.deadline = "", math.inf
        self.refusal: AccessError | None = None
        self._away, self._seen, self._moved = False, 0, time.monotonic()
        callbacks = {"on_delivery": self._failed, "error_cb": self._error}
        config: dict[str, Any] = {**connection.client(), **TUNING, **callbacks}
        self._producer = Producer(config, logger=_silent())

    @property
    def halted(self) -> bool:
        """Whether nothing more must be sent."""
        return self._stop.is_set() or bool(self.broken) or time.monotonic() > self.deadline

    @property
    def waiting(self) -> int:
        """Records handed over and not yet acked."""
        return len(self._producer)

    @property
    def acked(self) -> int:
        """Records that the broker has confirmed."""
        failed = len(self.unsent) + len(self.refused)
        return max(self._seen, self.taken - failed - self.waiting)

    def send(self, records: Iterable[Record]) -> None:
        """Queues records, and waits while the queue is full; takes no more once halted."""
        for count, record in enumerate(records, 1):
            self._take(record)
            if not count % POLL_EVERY:
                self.pump()
            if self.halted:
                return

    def leave(self, records: Iterable[Record]) -> None:
        """Counts records as unsent without sending them."""
        before = len(self.unsent)
        self.unsent.extend(records)
        self.taken += len(self.unsent) - before

    def pump(self, seconds: float = 0.0) -> None:
        """Runs Kafka's callbacks for at most `seconds`."""
        self._poll(seconds)
        self._watch(time.monotonic())
        self._beat()

    def poll(self) -> None:
        """Lets Kafka's callbacks run, where another topic's pump is what waits."""
        self._poll(0)
        self._watch(time.monotonic())

    def drain(self) -> None:
        """Waits until all is acked, or it is halted."""
        while self.waiting and not self.halted:
            self.pump(0.1)

    def close(self) -> None:
        """Flushes while acks come in (after a stop: for 10 s), then takes back unacked records."""
        deadline, acked = time.monotonic() + PATIENCE_SECONDS, self.acked
        while self.waiting and time.monotonic() < deadline and not self.broken:
            self.pump(0.1)
            if self.acked > acked and not self._stop.is_set():
                deadline, acked = time.monotonic() + PATIENCE_SECONDS, self.acked
        self._producer.purge()
        self._producer.flush(PATIENCE_SECONDS)

    def _poll(self, seconds: float) -> None:
        """Runs Kafka's callbacks; a fatal error comes as an exception, and to no callback."""
        try:
            self._producer.poll(seconds)
        except KafkaException as error:
            self._error(error.args[0])

    def _take(self, record: Record) -> None:
        """Queues a record, however long that takes; if halted meanwhile, it is unsent."""
        while not self._queued(record):
            self.pump(0.1)
            if self.halted:
                self.unsent.append(record)
                break
        # counted only now: a record that waits for room is not yet one that may be acked
        self.taken += 1

    def _queued(self, record: Record) -> bool:
        """Whether the record was queued; False where the queue is full."""
        try:
            self._producer.produce(self._topic, record[1], record[0])
        except BufferError:
            return False
        except KafkaException as error:
            self._sort_out(record, error.args[0])
        return True

    def _failed(self, error: KafkaError, message: Any) -> None:
        self._sort_out((message.key(), message.value()), error)

    def _sort_out(self, record: Record, error: KafkaError) -> None:
        """Counts a failed record as refused or unsent, and stops after it."""
        refused = error.code() in REFUSALS
        (self.refused if refused else self.unsent).append(record)
        if error.code() in PURGED or (refused and len(self.refused) < MOST_REFUSED):
            return
        self._deny(error)
        self.broken = self.broken or error.str()

    def _error(self, error: KafkaError) -> None:
        if is_refusal(error) and not self.broken:
            self.refusal, self.broken = refused(error, self._connection), error.str()
        elif error.fatal():
            self._deny(error)
            self.broken = error.str()
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._lost(f"Kafka does not answer at {self._connection}.")

    def _deny(self, error: KafkaError) -> None:
        if error.name() in RIGHTS:
            self.refusal = denied(error.name(), self._connection, self._topic, TO_SEND)

    def _watch(self, now: float) -> None:
        """Reports a broker that takes nothing, and when it recovers."""
        acked, known = self.acked, self._seen
        self._seen = acked
        if acked > known and self._away:
            self._away = False
            self._notice(f"Kafka answers again at {self._connection}")
        if acked > known or not self.waiting:
            self._moved = now
        elif now > self._moved + STALL_SECONDS:
            self._lost(f"Kafka at {self._connection} takes nothing: is the topic still there?")

    def _lost(self, what: str) -> None:
        if not self._away:
            self._away = True
            self._notice(f"{what} Waiting; a stop keeps what is unsent on disk")


def _silent() -> logging.Logger:
    """Returns a logger that drops librdkafka's own lines, one a retry."""
    logger = logging.getLogger("producer.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
