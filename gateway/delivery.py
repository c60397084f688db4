"""Hands messages to Kafka, and says of each whether Kafka has it.

Idempotent and `acks=all`: what is acknowledged here is on every replica in sync. What has no
answer in time has failed as far as anybody can tell: it may still be in the topic.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from gateway.batch import MOST_BYTES
from gateway.memory import A_MESSAGE, Budget, Share
from lakehouse.runtime.kafka_client import QUIET, AccessError, Faults, explained
from lakehouse.runtime.kafka_connection import Connection

Report = Callable[[KafkaError | None, Message], None]
Again = Callable[[bytes, Report], None]
POLL_SECONDS = 0.1
# Messages that are handed over at a time.
PIECE = 5000
# Between two producers, where each has a fatal error at once: it has no right to send.
RENEWED_SECONDS = 1.0
# Beyond the time in which a message succeeds or fails, for the report to come.
GRACE_SECONDS = 5.0
REFUSED = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
TUNING: dict[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 5,
    "batch.size": 1 << 20,
    "message.max.bytes": MOST_BYTES + 4096,
    "compression.type": "lz4",
    # a budget of ours is smaller, so that a request is taken as a whole or not at all
    "queue.buffering.max.messages": 10_000_000,
    "queue.buffering.max.kbytes": 1 << 20,
}


@dataclass(frozen=True)
class Receipt:
    """What became of messages: the numbers of those that Kafka will never take, and why, and of
    those that it did not acknowledge in time. All others are acknowledged."""

    refused: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


class Delivery:
    """Sends to topics. `seconds` is how long a message may wait for its acknowledgement."""

    def __init__(self, connection: Connection, budget: Budget, seconds: float) -> None:
        self.budget, self._seconds = budget, seconds
        self._connection, self._faults = connection, Faults()
        self._config = {
            **connection.client(),
            "message.timeout.ms": int(seconds * 1000),
            **TUNING,
            **QUIET,
            "error_cb": self._faults,
        }
        self._closing = threading.Event()
        self._make_producers()
        self._thread = threading.Thread(target=self._poll, name="delivery", daemon=True)
        self._thread.start()

    async def send(self, messages: list[bytes], topic: str) -> Receipt:
        """Sends all messages and waits for their acknowledgements; the list is empty afterwards.

        Raises Full, with nothing sent, where there is no room for them.
        """
        if not (number := len(messages)):
            return Receipt()
        share = Share(self.budget)
        share.add(weight(messages))
        again = partial(self._produce_alone, topic)
        waiting = _Waiting(messages, share, asyncio.get_running_loop(), again)
        await asyncio.to_thread(self._produce, messages, topic, waiting)
        try:
            async with asyncio.timeout(self._seconds + GRACE_SECONDS):
                await asyncio.shield(waiting.done)
        except TimeoutError:
            return Receipt(failed=dict.fromkeys(range(number), "no answer from Kafka"))
        receipt = waiting.receipt()
        if receipt.failed and (why := await asyncio.to_thread(self._refusal)):
            return Receipt(receipt.refused, dict.fromkeys(receipt.failed, why))
        return receipt

    def fault(self, topic: str) -> str:
        """Why nothing can be sent to a topic now; empty where Kafka answers and has it."""
        try:
            found = self._producer.list_topics(topic, timeout=1.0).topics[topic].error
        except KafkaException as error:
            return self._refusal() or explained(error.args[0], self._connection, topic).what
        self._faults.forget()
        return explained(found, self._connection, topic).what if found else ""

    def _refusal(self) -> str:
        """What Kafka said since it last answered, where it refuses the user or the certificate."""
        try:
            self._faults.check(self._connection)
        except AccessError as error:
            return error.what
        return ""

    def close(self) -> None:
        """Waits for what is under way, then ends."""
        _flush(self._producer, self._seconds)
        _flush(self._alone, self._seconds)
        self._closing.set()
        self._thread.join(2)

    def _produce(self, messages: list[bytes], topic: str, waiting: _Waiting) -> None:
        """Hands over piece by piece, and lets go of each: librdkafka has copies."""
        messages.reverse()
        first = 0
        while messages:
            batch = [{"value": messages.pop()} for _ in range(min(PIECE, len(messages)))]
            self._produce_piece(batch, topic, waiting, first)
            first += len(batch)

    def _produce_piece(
        self, batch: list[dict[str, Any]], topic: str, waiting: _Waiting, first: int
    ) -> None:
        try:
            self._producer.produce_batch(topic, batch, on_delivery=waiting.report)
        except (KafkaException, BufferError) as error:
            faults = dict.fromkeys(range(first, first + len(batch)), str(error))
        else:
            numbered = enumerate(batch, first)
            faults = {n: str(one["_error"]) for n, one in numbered if "_error" in one}
        waiting.not_queued(faults)

    def _produce_alone(self, topic: str, message: bytes, report: Report) -> None:
        self._alone.produce(topic, message, on_delivery=report)

    def _make_producers(self) -> None:
        """Makes the producer, and one whose messages do not share the size of a batch."""
        self._producer = Producer(self._config, logger=_silent())
        self._alone = Producer({**self._config, "batch.num.messages": 1}, logger=_silent())

    def _poll(self) -> None:
        """Runs Kafka's callbacks; a producer with a fatal error, an exception, gets a successor."""
        while not self._closing.is_set():
            try:
                self._producer.poll(POLL_SECONDS)
                self._alone.poll(0)
            except KafkaException:
                broken = self._producer, self._alone
                self._make_producers()
                for producer in broken:
                    producer.purge()
                    _flush(producer, 1.0)
                self._closing.wait(RENEWED_SECONDS)


class _Waiting:
    """The messages of one request; reports come in the thread that polls."""

    def __init__(
        self, messages: Sequence[bytes], share: Share, loop: asyncio.AbstractEventLoop, again: Again
    ) -> None:
        self._share, self._loop, self._again = share, loop, again
        # reports name no number, and the messages themselves are not kept
        self._hashes = array("q", map(hash, messages))
        self._left, self._lock = len(messages), threading.Lock()
        self._reported: list[tuple[int, KafkaError]] = []
        self._unqueued: dict[int, str] = {}
        self.done: asyncio.Future[None] = loop.create_future()

    def report(self, error: KafkaError | None, message: Message) -> None:
        """One message is acknowledged, or has failed. What shared a batch that is too large is sent
        again by itself: then it is known whether it is too large.
        """
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            try:
                self._again(message.value() or b"", self.report_alone)
            except (KafkaException, BufferError):
                error = KafkaError(KafkaError._QUEUE_FULL)
            else:
                return
        self.report_alone(error, message)

    def report_alone(self, error: KafkaError | None, message: Message) -> None:
        """One message is acknowledged, or has failed by itself."""
        if error is not None:
            self._reported.append((hash(message.value() or b""), error))
        self._count(1)

    def not_queued(self, faults: dict[int, str]) -> None:
        """Messages of these numbers never left, and why."""
        if faults:
            self._unqueued |= faults
            self._count(len(faults))

    def receipt(self) -> Receipt:
        """What became of the messages."""
        refused, failed = dict[int, str](), dict(self._unqueued)
        numbers = defaultdict[int, list[int]](list)
        for number, hashed in enumerate(self._hashes) if self._reported else ():
            if number not in failed:
                numbers[hashed].append(number)
        for hashed, error in self._reported:
            into = refused if error.code() in REFUSED else failed
            into[numbers[hashed].pop()] = error.str()
        return Receipt(refused, failed)

    def _count(self, number: int) -> None:
        with self._lock:
            self._left -= number
            if self._left > 0:
                return
        self._share.release()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _flush(producer: Producer, seconds: float) -> None:
    """Waits for what is under way; a fatal error comes once, instead of what is reported then."""
    with suppress(KafkaException):
        producer.flush(seconds)
        return
    producer.flush(seconds)


def weight(messages: Sequence[bytes]) -> int:
    """What messages hold until they are acknowledged, in bytes."""
    return sum(map(len, messages)) + A_MESSAGE * len(messages)


def _silent() -> logging.Logger:
    logger = logging.getLogger("logpond.gateway.librdkafka")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    return logger
