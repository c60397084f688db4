"""What Kafka says about a topic is what is there."""

import pytest
from support.messages import send

from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic

pytestmark = pytest.mark.broker


def test_create_twice_gives_the_same_topic(broker: Broker, topic: Topic) -> None:
    """Making a topic that is there changes nothing."""
    assert kafka.create(broker.bootstrap, topic.name, partitions=2) == topic


def test_describe_knows_partitions(broker: Broker, topic: Topic) -> None:
    """A topic is described as it was made."""
    assert kafka.describe(broker.bootstrap, topic.name) == topic
    assert topic.partitions == 2


def test_offsets_count_records(broker: Broker, topic: Topic) -> None:
    """The end of a partition is one past its last record."""
    send(broker.bootstrap, topic.name, [b"x"] * 7, partition=1)
    assert kafka.offsets(broker.bootstrap, topic.name) == {0: (0, 0), 1: (0, 7)}


def test_absent_topic_is_said(broker: Broker) -> None:
    """A topic that does not exist is an error with a remedy, and is not made by asking."""
    with pytest.raises(BrokerError, match="does not exist") as error:
        kafka.offsets(broker.bootstrap, "nobody-made-this")
    assert error.value.remedy


def test_absent_broker_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that does not answer is an error with a remedy."""
    monkeypatch.setattr(kafka, "PATIENCE_SECONDS", 1.0)
    with pytest.raises(BrokerError, match="does not answer") as error:
        kafka.describe("127.0.0.1:1", "web-logs")
    assert error.value.remedy


def test_whose_clock_a_topic_keeps(broker: Broker, topic: Topic) -> None:
    """A topic of ours keeps the broker's clock; one of its producers' is told apart."""
    kafka.create(broker.bootstrap, "theirs", 1, {"message.timestamp.type": "CreateTime"})
    assert kafka.trusts_its_clock(broker.bootstrap, topic.name)
    assert not kafka.trusts_its_clock(broker.bootstrap, "theirs")
