"""What the tests of the gateway share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sending import Door, opened

from cli.stack.broker import Broker
from lakehouse.runtime.kafka import Topic


@pytest.fixture
def door(broker: Broker, topic: Topic, tmp_path: Path) -> Iterator[Door]:
    """A gateway to a topic that only this test knows."""
    with opened(broker.bootstrap, topic, tmp_path) as running:
        yield running
