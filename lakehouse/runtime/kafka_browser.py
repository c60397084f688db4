"""Topics and messages of a Kafka, looked at by people: bounded, and no consumer of any group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.runtime.kafka_client import QUIET, away, is_of_group, valid_offset
from lakehouse.runtime.kafka_connection import Connection

if TYPE_CHECKING:
    from confluent_kafka import Message
    from confluent_kafka.admin import AdminClient

PATIENCE_SECONDS = 2.0
MOST_PARTITIONS, MOST_MESSAGES = 500, 20
# Of a message so much is shown; the rest is only counted.
MOST_BYTES, MOST_KEY_BYTES, MOST_HEADERS = 2000, 200, 10
FETCHED_BYTES = 1 << 20
# No group is joined, no offset is committed, no topic is made.
READING: dict[str, Any] = {
    **QUIET,
    "group.id": "logpond-pages",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "fetch.message.max.bytes": FETCHED_BYTES,
    "queued.max.messages.kbytes": 4 * FETCHED_BYTES // 1024,
}


@dataclass(frozen=True)
class PartitionState:
    """A partition: the offset of its first record, and one past its last."""

    partition: int
    first: int
    end: int

    @property
    def records(self) -> int:
        """How many offsets there are; of compacted or transactional topics some are empty."""
        return self.end - self.first


@dataclass(frozen=True)
class TopicState:
    """A topic with its partitions, in order."""

    name: str
    partitions: list[PartitionState]

    @property
    def records(self) -> int:
        """Of all partitions."""
        return sum(one.records for one in self.partitions)


@dataclass(frozen=True)
class Record:
    """A message, the beginning of it: what is no text stands as escapes. Sizes in bytes."""

    offset: int
    time: datetime | None
    key: str | None
    value: str | None
    size: int
    headers: list[tuple[str, str]]


def topics(connection: Connection) -> list[TopicState]:
    """The topics but for Kafka's own, by name; of very many partitions the first.

    Raises BrokerError where no broker answers soon.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({**connection.client(), **QUIET})
    try:
        listed = admin.list_topics(timeout=PATIENCE_SECONDS).topics
        named = {name: sorted(of.partitions) for name, of in listed.items() if name[:2] != "__"}
        wanted = [(name, p) for name in sorted(named) for p in named[name]][:MOST_PARTITIONS]
        first, end = (
            _offsets(connection, admin, wanted, which) for which in ("earliest", "latest")
        )
    except (KafkaException, TimeoutError):
        raise away(connection) from None
    by_topic = groupby(sorted(wanted), key=lambda one: one[0])
    return [
        TopicState(name, [PartitionState(at[1], first[at], end[at]) for at in parts])
        for name, parts in by_topic
    ]


def newest(
    connection: Connection, topic: str, state: PartitionState, before: int | None
) -> list[Record]:
    """The last messages of a partition, or the last ones before an offset; the newest first.

    As many as there are, and as came in time. Raises BrokerError where none comes.
    """
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    end = min(state.end, state.end if before is None else before)
    start = max(state.first, end - MOST_MESSAGES)
    if start >= end:
        return []
    consumer = Consumer({**connection.client(), **READING})
    try:
        consumer.assign([TopicPartition(topic, state.partition, start)])
        found = [_record(one) for one in _until(consumer, end)]
    except KafkaException:
        raise away(connection) from None
    finally:
        consumer.close()
    return found[::-1]


def _until(consumer: Any, end: int) -> Iterator[Message]:
    """The messages before an offset, until the partition or the patience is at its end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        for message in consumer.consume(MOST_MESSAGES, timeout=0.1):
            if is_of_group(message):
                continue
            if message.error() or message.offset() >= end:
                return
            yield message
            if message.offset() == end - 1:
                return


def _record(message: Message) -> Record:
    kind, at = message.timestamp()
    value, key = message.value(), message.key()
    headers = list(message.headers() or [])[:MOST_HEADERS]
    return Record(
        offset=message.offset() or 0,
        time=_time(at) if kind else None,
        key=_short(key),
        value=_text(value, MOST_BYTES),
        size=len(value or b""),
        headers=[(_short(name) or "", _short(of) or "") for name, of in headers],
    )


def _short(content: Any) -> str | None:
    return _text(content, MOST_KEY_BYTES)


def _text(content: Any, most: int) -> str | None:
    """The beginning of what came, as text."""
    if content is None:
        return None
    given = content if isinstance(content, bytes) else str(content).encode()
    return given[:most].decode(errors="backslashreplace") + ("…" if len(given) > most else "")


def _time(milliseconds: int) -> datetime | None:
    """A time of Kafka; None for one that no calendar of ours has."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _offsets(
    connection: Connection,
    admin: AdminClient,
    wanted: Iterable[tuple[str, int]],
    which: Literal["earliest", "latest"],
) -> dict[tuple[str, int], int]:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

    spec = getattr(OffsetSpec, which)()
    asked: dict[TopicPartition, Any] = {TopicPartition(name, p): spec for name, p in wanted}
    if not asked:
        return {}
    answers = admin.list_offsets(asked, request_timeout=PATIENCE_SECONDS)
    return {
        (at.topic, at.partition): valid_offset(answer.result(PATIENCE_SECONDS).offset, connection)
        for at, answer in answers.items()
    }
