"""What the tests of all rooms share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.broker import Broker
from lakehouse import topics
from lakehouse.topics import Topic

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data, which lies beside the project and never in it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One embedded broker for all tests, on a free port; a test that kills one starts its own."""
    with Broker(str(tmp_path_factory.mktemp("broker"))) as running:
        yield running


@pytest.fixture
def topic(broker: Broker) -> Topic:
    """A new topic of two partitions, which only this test knows."""
    return topics.create(broker.bootstrap, f"test-{uuid.uuid4().hex[:12]}", partitions=2)
