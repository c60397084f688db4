"""What Kafka says about a topic, asked without a JVM."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lakehouse.errors import BrokerError
from lakehouse.runtime.kafka_client import (
    PATIENCE_SECONDS,
    QUIET,
    AccessError,
    Client,
    LeaderError,
    UnknownTopicError,
    away,
    explained,
    valid_offset,
)
from lakehouse.runtime.kafka_connection import Connection

# The earliest offset and the end of each partition of a topic.
Bounds = dict[int, tuple[int, int]]


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
    bounds: Bounds


class TopicsClient:
    """Some topics, asked again and again over one connection, all at once."""

    def __init__(
        self, connection: Connection, topics: Collection[str], patience: float = PATIENCE_SECONDS
    ) -> None:
        self._connection, self._topics, self._patience = connection, [*topics], patience
        self._client, self._known = Client(connection), dict[str, Topic]()

    def describe(self) -> dict[str, Topic]:
        """The topics as the broker knows them; BrokerError if it or one of them cannot be had."""
        from confluent_kafka import TopicCollection

        asked = self._client.admin.describe_topics(
            TopicCollection(self._topics), request_timeout=self._patience
        )
        found = {name: self._client.answer(asked[name], name) for name in self._topics}
        self._known = {
            name: Topic(of.name, str(of.topic_id), len(of.partitions)) for name, of in found.items()
        }
        return self._known

    def bounds(self, committed: bool = False) -> dict[str, Bounds]:
        """The earliest offset and the end (one past the last record) of each partition, by topic.

        With `committed` the end is before the first transaction that is open. A partition without a
        leader is waited for.
        """
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._bounds(committed)
            except LeaderError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def _bounds(self, committed: bool) -> dict[str, Bounds]:
        known = self._known or self.describe()
        places = [(name, p) for name, topic in known.items() for p in range(topic.partitions)]
        first, end = self._asked("earliest", places), self._asked("latest", places, committed)
        found: dict[str, Bounds] = {name: {} for name in known}
        for at in places:
            found[at[0]][at[1]] = (self._offset(at[0], first[at]), self._offset(at[0], end[at]))
        return found

    def states(self) -> dict[str, TopicState]:
        """Offsets first, then the id: if that is the one expected, the offsets are of its topic."""
        try:
            return self._states()
        except UnknownTopicError:
            raise
        except BrokerError:
            # one whose connection was frozen or cut may never hear its broker again
            self._client = Client(self._connection)
            raise

    def _states(self) -> dict[str, TopicState]:
        bounds = dict[str, Bounds]()
        with suppress(UnknownTopicError):
            # of one made again nothing is known: all of it, or a partition that it does not have
            bounds = self.bounds()
        known = self.describe()
        return {name: TopicState(of.id, bounds.get(name, {})) for name, of in known.items()}

    def _asked(
        self, which: str, places: list[tuple[str, int]], committed: bool = False
    ) -> dict[tuple[str, int], Future[Any]]:
        from confluent_kafka import IsolationLevel, TopicPartition, admin

        spec = getattr(admin.OffsetSpec, which)()  # type: ignore[attr-defined]
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        answers = self._client.admin.list_offsets(
            {TopicPartition(*at): spec for at in places},
            isolation_level=level,
            request_timeout=self._patience,
        )
        return {(at.topic, at.partition): answer for at, answer in answers.items()}

    def _offset(self, topic: str, answer: Future[Any]) -> int:
        return valid_offset(self._client.answer(answer, topic).offset, self._connection)


def describe(connection: Connection, topic: str) -> Topic:
    """The topic as the broker knows it; BrokerError if either cannot be had."""
    return TopicsClient(connection, [topic]).describe()[topic]


def create(
    connection: Connection, topic: str, partitions: int, config: Mapping[str, str] | None = None
) -> Topic:
    """The topic, made with the broker's clock as its time unless it is there already."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.cimpl import NewTopic

    settings = {"message.timestamp.type": "LogAppendTime", **(config or {})}
    wanted = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=settings)
    client = Client(connection)
    asked = client.admin.create_topics([wanted], request_timeout=PATIENCE_SECONDS)
    try:
        asked[topic].result(PATIENCE_SECONDS)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise explained(error.args[0], connection, topic) from None
    return _once_known(connection, topic)


def offsets(connection: Connection, topic: str, committed: bool = False) -> Bounds:
    """The earliest offset and the end of each partition, as `TopicsClient.bounds`."""
    return TopicsClient(connection, [topic]).bounds(committed)[topic]


def names(connection: Connection, patience: float = PATIENCE_SECONDS) -> list[str]:
    """The topics that a broker has, but for its own, in order. BrokerError where none answers."""
    found = Client(connection).metadata(patience)
    return sorted(name for name in found.topics if not name.startswith("__"))


def denials(connection: Connection, names: Collection[str]) -> dict[str, AccessError]:
    """Those of topics that a user may not see: in the list of all they are missing."""
    found = dict[str, AccessError]()
    for name in names:
        try:
            describe(connection, name)
        except AccessError as error:
            found[name] = error
        except UnknownTopicError:
            pass
    return found


def empty(connection: Connection, topic: str) -> None:
    """Delete every record that the topic has now; the topic, its settings and offsets stay."""
    from confluent_kafka import TopicPartition

    ranges = offsets(connection, topic).items()
    ends = [TopicPartition(topic, p, end) for p, (first, end) in ranges if first < end]
    client = Client(connection)
    asked = client.admin.delete_records(ends, request_timeout=PATIENCE_SECONDS) if ends else {}
    for answer in asked.values():
        client.answer(answer, topic)


def waiting_since(
    connection: Connection, taken: Mapping[str, Mapping[int, int]], patience: float = 3.0
) -> datetime | None:
    """When the broker took the oldest of the records at these offsets; None if none came."""
    from confluent_kafka import Consumer, TopicPartition

    from lakehouse.decode import record_time

    consumer = Consumer({**connection.client(), "group.id": "logpond-lag", **QUIET})
    try:
        asked = [TopicPartition(t, p, o) for t, of in taken.items() for p, o in of.items()]
        consumer.assign(asked)
        times, until = dict[Any, int](), time.monotonic() + patience
        while len(times) < len(asked) and time.monotonic() < until:
            for record in consumer.consume(500, timeout=0.2):
                if record.error() is None:
                    at = (record.topic(), record.partition())
                    times.setdefault(at, record.timestamp()[1])
    finally:
        consumer.close()
    known = [millis for millis in times.values() if record_time.is_time(millis)]
    return datetime.fromtimestamp(min(known) / 1000, UTC) if known else None


@dataclass(frozen=True)
class Clocks:
    """Topics whose records have their producers' times, and those of which that cannot be seen.

    `unseen` says by topic which right is missing.
    """

    of_producers: list[str]
    unseen: dict[str, str]


def clocks(connection: Connection, topics: Collection[str]) -> Clocks:
    """Whose times the records of topics have: the broker's (LogAppendTime), or not.

    Only a note needs to know: a user without DescribeConfigs may read all the same.
    """
    from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]

    asked = {topic: ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics}
    client = Client(connection)
    found = client.admin.describe_configs([*asked.values()], request_timeout=PATIENCE_SECONDS)
    theirs, unseen = list[str](), dict[str, str]()
    for topic, at in asked.items():
        try:
            config = client.answer(found[at], topic)
        except AccessError as error:
            if not error.code:
                raise
            unseen[topic] = error.code
        else:
            if config["message.timestamp.type"].value != "LogAppendTime":
                theirs.append(topic)
    return Clocks(theirs, unseen)


def expect(connection: Connection) -> None:
    """BrokerError soon where no broker answers: for somebody who waits for the answer."""
    if not is_up(connection, patience=2.0):
        raise away(connection)


def is_up(connection: Connection, patience: float = 1.0) -> bool:
    """Whether a broker answers there within `patience` seconds; AccessError where it refuses."""
    return cluster_id(connection, patience) is not None


def cluster_id(connection: Connection, patience: float = 1.0) -> str | None:
    """Which Kafka answers there within `patience` seconds; None if there is no answer.

    Raises AccessError where it refuses the user or the certificate.
    """
    try:
        found = Client(connection).metadata(patience)
    except AccessError:
        raise
    except BrokerError:
        return None
    return found.cluster_id if found.brokers else None


def _once_known(connection: Connection, topic: str) -> Topic:
    """A new topic takes a moment to reach every broker."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return describe(connection, topic)
        except BrokerError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
