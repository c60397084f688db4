"""A query is well if it works, or has nothing to do; asked from outside its process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.lakes import Lake

from anomaly.commands.health import ailing as detection_ailing
from lakehouse.errors import BrokerError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.runtime.kafka_connection import Connection
from streaming.commands.health import unhealthy

AGES, NOW = timedelta(hours=1), timedelta(0)
NOWHERE = Connection("127.0.0.1:1")


def test_before_the_first_start_ingest_is_not_well(lake: Lake) -> None:
    """Nobody takes records yet."""
    assert unhealthy(lake.places, NOWHERE, AGES) == "ingest was not started yet"


def test_a_batch_that_ended_lately_is_health(running: Lake) -> None:
    """Kafka is not asked for it: a broker that is away for a moment is waited for."""
    assert unhealthy(running.places, NOWHERE, AGES) is None


def test_an_old_batch_alone_says_nothing(running: Lake) -> None:
    """Whether records wait is Kafka's to say."""
    with pytest.raises(BrokerError):
        unhealthy(running.places, NOWHERE, NOW)


def test_when_a_batch_ended_is_known_without_spark(running: Lake) -> None:
    """By the checkpoint's own files."""
    assert Checkpoint(running.places, "ingest").ended() is not None
    assert Checkpoint(running.places, "nothing").ended() is None


def test_detection_is_not_well_before_it_looked(running: Lake) -> None:
    """Ingest has brought rows, and nobody has looked at them."""
    assert "no look ended yet" in str(detection_ailing(running.places, AGES))


def test_detection_has_nothing_to_do_before_ingest(lake: Lake) -> None:
    """Without a batch there is nothing to look at."""
    assert detection_ailing(lake.places, NOW) is None
