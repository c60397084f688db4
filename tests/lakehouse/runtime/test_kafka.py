"""What Kafka says about a topic is what is there."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError
from support.messages import send

from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_client import Client, explained
from lakehouse.runtime.kafka_connection import Connection

pytestmark = pytest.mark.broker


def test_create_twice_gives_the_same_topic(broker: Broker, topic: Topic) -> None:
    """Making a topic that is there changes nothing."""
    assert kafka.create(broker.connection, topic.name, partitions=2) == topic


def test_describe_knows_partitions(broker: Broker, topic: Topic) -> None:
    """A topic is described as it was made."""
    assert kafka.describe(broker.connection, topic.name) == topic
    assert topic.partitions == 2


def test_an_answer_without_an_offset_is_none(
    broker: Broker, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a broker that went away: that a topic was emptied is not concluded from it."""
    monkeypatch.setattr(Client, "answer", lambda *_: SimpleNamespace(offset=-1001))
    asked = kafka.TopicsClient(broker.connection, [topic.name])
    asked._known = {topic.name: topic}
    with pytest.raises(BrokerError, match="does not answer"):
        asked.bounds()


def test_offsets_count_records(broker: Broker, topic: Topic) -> None:
    """The end of a partition is one past its last record."""
    send(broker.bootstrap, topic.name, [b"x"] * 7, partition=1)
    assert kafka.offsets(broker.connection, topic.name) == {0: (0, 0), 1: (0, 7)}


def test_absent_topic_is_said(broker: Broker) -> None:
    """A topic that does not exist is an error with a remedy, and is not made by asking."""
    with pytest.raises(BrokerError, match="does not exist") as error:
        kafka.offsets(broker.connection, "nobody-made-this")
    assert error.value.remedy


def test_absent_broker_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that does not answer is an error with a remedy."""
    monkeypatch.setattr(kafka, "PATIENCE_SECONDS", 1.0)
    with pytest.raises(BrokerError, match="does not answer") as error:
        kafka.describe(Connection("127.0.0.1:1"), "web-logs")
    assert error.value.remedy


def test_whose_clock_a_topic_keeps(broker: Broker, topic: Topic) -> None:
    """A topic of ours keeps the broker's clock; one of its producers' is told apart."""
    kafka.create(broker.connection, "theirs", 1, {"message.timestamp.type": "CreateTime"})
    found = kafka.clocks(broker.connection, [topic.name, "theirs"])
    assert found == kafka.Clocks(["theirs"], {})


def test_a_partition_without_a_leader_is_waited_for(
    broker: Broker, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is new, or whose broker is replaced, has none for a moment."""
    asked, told = Client.answer, list[str]()

    def answered(client: Client, future: Any, name: str) -> Any:
        found = asked(client, future, name)
        if hasattr(found, "offset") and not told:
            told.append(name)
            error = KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION)
            raise explained(error, broker.connection, name)
        return found

    monkeypatch.setattr(Client, "answer", answered)
    assert kafka.offsets(broker.connection, topic.name) == {0: (0, 0), 1: (0, 0)}
    assert told == [topic.name]
