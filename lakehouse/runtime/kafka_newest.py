"""The newest records of a topic, bounded in number, bytes and time; no consumer of any group."""

from __future__ import annotations

import time
from typing import Any

from lakehouse.runtime.kafka import offsets
from lakehouse.runtime.kafka_client import QUIET
from lakehouse.runtime.kafka_connection import Connection

MOST_RECORDS, MOST_BYTES = 1000, 8 << 20
PATIENCE_SECONDS = 10.0
READING: dict[str, Any] = {
    **QUIET,
    "group.id": "logpond-discover",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "fetch.message.max.bytes": 1 << 20,
    "queued.max.messages.kbytes": 8 << 10,
}


def newest(
    connection: Connection, topic: str, records: int = MOST_RECORDS, size: int = MOST_BYTES
) -> list[bytes]:
    """Returns the values of about so many newest records of all partitions, those that have one.

    At most `size` bytes of them, and what came in time. Raises BrokerError where Kafka does not
    answer, or has no such topic.
    """
    from confluent_kafka import Consumer, TopicPartition

    bounds = {p: of for p, of in offsets(connection, topic).items() if of[0] < of[1]}
    share = -(-records // max(len(bounds), 1))
    starts = [TopicPartition(topic, p, max(a, b - share)) for p, (a, b) in bounds.items()]
    consumer = Consumer({**connection.client(), **READING})
    try:
        consumer.assign(starts)
        return _values(consumer, {p: end for p, (_, end) in bounds.items()}, size)
    finally:
        consumer.close()


def _values(consumer: Any, ends: dict[int, int], size: int) -> list[bytes]:
    """What comes before the end of each partition."""
    found, held, until = list[bytes](), 0, time.monotonic() + PATIENCE_SECONDS
    while ends and held < size and time.monotonic() < until:
        for message in consumer.consume(100, timeout=0.2):
            partition = message.partition()
            is_end = message.error() is not None or message.offset() >= ends.get(partition, 0) - 1
            if message.error() is None and message.value() and held < size:
                found.append(message.value())
                held += len(message.value())
            if is_end:
                ends.pop(partition, None)
    return found
