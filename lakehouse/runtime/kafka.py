"""What Kafka says about a topic, asked without a JVM."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakehouse.errors import BrokerError

if TYPE_CHECKING:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

PATIENCE_SECONDS = 10.0
# librdkafka prints a line a retry while a broker is down; the error raised says it once
QUIET: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}


@dataclass(frozen=True)
class Topic:
    """A topic: `id` tells one made anew from the one it replaced."""

    name: str
    id: str
    partitions: int


@dataclass(frozen=True)
class TopicState:
    """A topic at a moment: its id, and the earliest offset and the end of each partition."""

    id: str
    bounds: dict[int, tuple[int, int]]


class UnknownTopicError(BrokerError):
    """The broker does not have the topic."""


class TopicClient:
    """One topic, asked again and again over one connection."""

    def __init__(self, bootstrap: str, topic: str, patience: float = PATIENCE_SECONDS) -> None:
        self._bootstrap, self._topic, self._patience = bootstrap, topic, patience
        self._admin, self._partitions = _admin(bootstrap), 0

    def describe(self) -> Topic:
        """The topic as the broker knows it; BrokerError if either cannot be had."""
        from confluent_kafka import TopicCollection

        topics = TopicCollection([self._topic])
        asked = self._admin.describe_topics(topics, request_timeout=self._patience)
        found = _answer(asked[self._topic], self._bootstrap, self._topic)
        self._partitions = len(found.partitions)
        return Topic(found.name, str(found.topic_id), self._partitions)

    def bounds(self, committed: bool = False) -> dict[int, tuple[int, int]]:
        """The earliest offset and the end (one past the last record) of each partition.

        With `committed` the end is before the first transaction that is open.
        """
        partitions = range(self._partitions or self.describe().partitions)
        first, end = (
            self._asked("earliest", partitions),
            self._asked("latest", partitions, committed),
        )
        return {p: (self._offset(first[p]), self._offset(end[p])) for p in partitions}

    def state(self) -> TopicState:
        """Offsets first, then the id: if that is the one expected, the offsets are of its topic."""
        try:
            return self._state()
        except UnknownTopicError:
            raise
        except BrokerError:
            # one whose connection was frozen or cut may never hear its broker again
            self._admin = _admin(self._bootstrap)
            raise

    def _state(self) -> TopicState:
        try:
            bounds = self.bounds()
        except UnknownTopicError:
            bounds = {}  # all of it, or a partition that one made again does not have
        return TopicState(self.describe().id, bounds)

    def _asked(
        self, which: str, partitions: range, committed: bool = False
    ) -> dict[int, Future[Any]]:
        from confluent_kafka import IsolationLevel, TopicPartition, admin

        spec = getattr(admin.OffsetSpec, which)()  # type: ignore[attr-defined]
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        answers = self._admin.list_offsets(
            {TopicPartition(self._topic, p): spec for p in partitions},
            isolation_level=level,
            request_timeout=self._patience,
        )
        return {at.partition: answer for at, answer in answers.items()}

    def _offset(self, answer: Future[Any]) -> int:
        return int(_answer(answer, self._bootstrap, self._topic).offset)


def describe(bootstrap: str, topic: str) -> Topic:
    """The topic as the broker knows it; BrokerError if either cannot be had."""
    return TopicClient(bootstrap, topic).describe()


def create(
    bootstrap: str, topic: str, partitions: int, config: Mapping[str, str] | None = None
) -> Topic:
    """The topic, made with the broker's clock as its time unless it is there already."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.cimpl import NewTopic

    settings = {"message.timestamp.type": "LogAppendTime", **(config or {})}
    wanted = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=settings)
    admin = _admin(bootstrap)
    asked = admin.create_topics([wanted], request_timeout=PATIENCE_SECONDS)
    try:
        asked[topic].result(PATIENCE_SECONDS)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise _explained(error, bootstrap, topic) from None
    return _once_known(bootstrap, topic)


def offsets(bootstrap: str, topic: str, committed: bool = False) -> dict[int, tuple[int, int]]:
    """The earliest offset and the end of each partition, as `TopicClient.bounds`."""
    return TopicClient(bootstrap, topic).bounds(committed)


def empty(bootstrap: str, topic: str) -> None:
    """Delete every record that the topic has now; the topic, its settings and offsets stay."""
    from confluent_kafka import TopicPartition

    ranges = offsets(bootstrap, topic).items()
    ends = [TopicPartition(topic, p, end) for p, (first, end) in ranges if first < end]
    admin = _admin(bootstrap)
    asked = admin.delete_records(ends, request_timeout=PATIENCE_SECONDS) if ends else {}
    for answer in asked.values():
        _answer(answer, bootstrap, topic)


def waiting_since(
    bootstrap: str, topic: str, taken: Mapping[int, int], patience: float = 3.0
) -> datetime | None:
    """When the broker took the oldest of the records at these offsets; None if none came."""
    from confluent_kafka import Consumer, TopicPartition

    from lakehouse.decode import record_time

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "logpond-lag", **QUIET})
    try:
        consumer.assign([TopicPartition(topic, p, offset) for p, offset in taken.items()])
        times, until = dict[int | None, int](), time.monotonic() + patience
        while len(times) < len(taken) and time.monotonic() < until:
            for record in consumer.consume(500, timeout=0.2):
                if record.error() is None:
                    times.setdefault(record.partition(), record.timestamp()[1])
    finally:
        consumer.close()
    known = [millis for millis in times.values() if record_time.is_time(millis)]
    return datetime.fromtimestamp(min(known) / 1000, UTC) if known else None


def trusts_its_clock(bootstrap: str, topic: str) -> bool:
    """Whether the times of records are the broker's (LogAppendTime), not their producers'."""
    from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]

    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    admin = _admin(bootstrap)
    found = admin.describe_configs([asked], request_timeout=PATIENCE_SECONDS)
    config: Any = _answer(found[asked], bootstrap, topic)
    return bool(config["message.timestamp.type"].value == "LogAppendTime")


def expect(bootstrap: str) -> None:
    """BrokerError soon where no broker answers: for somebody who waits for the answer."""
    if not is_up(bootstrap, patience=2.0):
        raise away(bootstrap)


def is_up(bootstrap: str, patience: float = 1.0) -> bool:
    """Whether a broker answers there within `patience` seconds."""
    return cluster_id(bootstrap, patience) is not None


def cluster_id(bootstrap: str, patience: float = 1.0) -> str | None:
    """Which Kafka answers there within `patience` seconds; None if there is no answer."""
    from confluent_kafka import KafkaException

    try:
        found = _admin(bootstrap).list_topics(timeout=patience)
    except KafkaException:
        return None
    return found.cluster_id if found.brokers else None


def _once_known(bootstrap: str, topic: str) -> Topic:
    """A new topic takes a moment to reach every broker."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return describe(bootstrap, topic)
        except BrokerError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _admin(bootstrap: str) -> AdminClient:
    """A client that whoever asks must hold until the answer: its end is the end of the question."""
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": bootstrap, **QUIET})


def _answer(future: Future[Any], bootstrap: str, topic: str) -> Any:
    from confluent_kafka import KafkaException

    try:
        return future.result(PATIENCE_SECONDS + 1)
    except (KafkaException, TimeoutError) as error:
        raise _explained(error, bootstrap, topic) from None


def _explained(error: KafkaException | TimeoutError, bootstrap: str, topic: str) -> BrokerError:
    from confluent_kafka import KafkaError, KafkaException

    code = error.args[0].code() if isinstance(error, KafkaException) else KafkaError._TRANSPORT
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return UnknownTopicError(
            f"the topic {topic} does not exist at {bootstrap}",
            "create it with message.timestamp.type=LogAppendTime, or name another with --topic",
        )
    if code in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN):
        return away(bootstrap)
    return BrokerError(f"Kafka at {bootstrap} refused: {error.args[0].str()}")


def away(bootstrap: str) -> BrokerError:
    """What to say, and to do, where no broker answers."""
    return BrokerError(
        f"Kafka does not answer at {bootstrap}",
        "start it (`logpond up` brings its own), or name another with --bootstrap",
    )
