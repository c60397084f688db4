"""What tests of several programs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sending import TOKEN, started

from analytics.web.ingest.collectors import Address, Target
from cli.stack.broker import Broker
from lakehouse.runtime.kafka import Topic


@pytest.fixture
def target(broker: Broker, topic: Topic, tmp_path: Path) -> Iterator[Target]:
    """A gateway that asks everybody for a token, and a topic that only this test knows."""
    running = started(broker.bootstrap, topic.name, tmp_path, LOGPOND_GATEWAY_TOKEN=TOKEN)
    with running as (_, at):
        address = Address("127.0.0.1", int(at.rpartition(":")[2]))
        yield Target(address, "cart", broker.bootstrap, topic.name)
