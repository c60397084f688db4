"""Topics and messages as people look at them: what is there, cut, and nothing made by looking."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka_browser
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_browser import MOST_BYTES, MOST_MESSAGES
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import free_port


def test_what_a_topic_holds_is_shown(broker: Broker, topic: Topic) -> None:
    """The newest messages first, each at most two thousand bytes; older ones on request."""
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(MOST_MESSAGES + 5):
        value = b"\xff\x00" * 5000 if number == MOST_MESSAGES + 4 else f"{number}".encode()
        producer.produce(topic.name, value, b"key", 0, headers={"h": b"\xfe"})
    producer.produce(topic.name, None, None, 1)
    producer.flush()

    found = next(one for one in kafka_browser.topics(broker.connection) if one.name == topic.name)
    assert [(one.first, one.end) for one in found.partitions] == [(0, MOST_MESSAGES + 5), (0, 1)]

    state = found.partitions[0]
    newest = kafka_browser.newest(broker.connection, topic.name, state, None)
    assert [one.offset for one in newest] == [*range(MOST_MESSAGES + 4, 4, -1)]
    assert newest[0].size == 10_000
    assert newest[0].value
    assert newest[0].value.startswith("\\xff\x00\\xff")
    assert len(newest[0].value.encode()) < 5 * MOST_BYTES
    assert (newest[1].value, newest[1].key) == (f"{MOST_MESSAGES + 3}", "key")
    assert newest[1].headers == [("h", "\\xfe")]

    older = kafka_browser.newest(broker.connection, topic.name, state, newest[-1].offset)
    assert [one.offset for one in older] == [4, 3, 2, 1, 0]
    (tombstone,) = kafka_browser.newest(broker.connection, topic.name, found.partitions[1], None)
    assert (tombstone.value, tombstone.key, tombstone.size) == (None, None, 0)
    assert kafka_browser.newest(broker.connection, topic.name, state, 0) == []


@pytest.mark.slow
def test_nobody_answers_in_words() -> None:
    """Within two seconds."""
    with pytest.raises(BrokerError, match="does not answer"):
        kafka_browser.topics(Connection(f"127.0.0.1:{free_port()}"))
