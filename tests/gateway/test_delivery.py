"""What Kafka says of messages, of each by its number."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from support.produced import values
from support.serving import awaited

from cli.stack.broker import Broker
from gateway.delivery import Delivery
from gateway.memory import Budget
from lakehouse.runtime.kafka import Topic


@pytest.fixture
def delivery(broker: Broker) -> Iterator[Delivery]:
    """To the broker of the tests."""
    running = Delivery(broker.connection, Budget(64 << 20), 20.0)
    yield running
    running.close()


def bounded(broker: Broker, topic: Topic, most: int) -> None:
    """Has the topic take batches of at most so many bytes."""
    entry = ConfigEntry("max.message.bytes", str(most), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(20)


def test_a_batch_that_is_too_large_costs_no_small_record(
    broker: Broker, topic: Topic, delivery: Delivery
) -> None:
    """Only a record that is too large by itself is refused; all others are in the topic."""
    bounded(broker, topic, 20_000)
    noise = random.Random(7)
    small = [noise.randbytes(1000) for _ in range(200)]
    messages = [*small[:50], noise.randbytes(30_000), *small[50:]]
    for _ in range(2):
        receipt = awaited(delivery.send([*messages], topic.name))
        assert ([*receipt.refused], receipt.failed) == ([50], {})
    assert sorted(one or b"" for one in values(broker.bootstrap, topic.name)) == sorted(small * 2)
    assert delivery.budget.held == 0
