"""Upkeep beside a running stream: no batch fails, no record is lost or repeated."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import streams
from messages import send
from records import message

from cli.broker import Broker
from lakehouse import maintenance
from lakehouse.paths import Places
from lakehouse.topics import Topic
from lakehouse.verify import verify

pytestmark = [pytest.mark.broker, pytest.mark.spark]
ROUNDS = 8


def test_optimize_and_vacuum_beside_a_stream(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """Tables are merged, ordered and vacuumed while batches commit, and `verify` is clean."""
    asked = streams.settings(broker.bootstrap, topic.name, tmp_path)
    places = Places.of(asked)
    send(broker.bootstrap, topic.name, [message(event_id="first")])
    with streams.running(asked, "--trigger", "0.5") as stream:
        streams.until(stream, "batch 0")
        worked = [_round(broker, topic, places, number) for number in range(ROUNDS)]
        assert streams.stop(stream)[0] == 0
    verdict = verify(places)
    assert verdict.ok
    assert 0 < verdict.records <= 1 + 300 * ROUNDS
    assert any(worked)


def _round(broker: Broker, topic: Topic, places: Places, number: int) -> bool:
    """Send while a round of upkeep runs; whether it found something to merge."""
    values = [message(event_id=f"{number}-{i}") for i in range(100)]
    sending = threading.Thread(
        target=lambda: [send(broker.bootstrap, topic.name, values) for _ in range(3)]
    )
    sending.start()
    told = maintenance.optimize(places, "logs", ["endpoint"] if number % 2 else [])
    maintenance.vacuum(places, "logs", hours=1)
    sending.join()
    return told.after.version > told.before.version
