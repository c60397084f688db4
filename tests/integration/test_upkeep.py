"""Upkeep beside a running stream: no batch fails, no record is lost or repeated."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import streams
from support.messages import send
from support.promise import broken
from support.records import message

from cli.stack.broker import Broker
from lakehouse import maintenance, store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic

pytestmark = [pytest.mark.broker, pytest.mark.spark]
ROUNDS = 8


@pytest.mark.nightly
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


def test_retain_beside_a_stream(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """Old dates go while batches commit: no batch fails, and `verify` starts where they end."""
    asked = streams.settings(broker.bootstrap, topic.name, tmp_path)
    places, now = Places.of(asked), datetime.now(UTC)
    gone = []
    with streams.running(asked, "--trigger", "0.5") as stream:
        for number in range(ROUNDS):
            at = [now - timedelta(days=days) for days in (9, 0, 9, 0)]
            values = [message(event_id=f"{number}", timestamp=t.isoformat()) for t in at]
            send(broker.bootstrap, topic.name, values)
            streams.until(stream, f"batch {number} ")
            gone += maintenance.retain(places, "logs", days=7).gone
        assert streams.stop(stream)[0] == 0
    verdict = verify(places)
    assert (verdict.ok, set(gone)) == (True, {(now - timedelta(days=9)).date()})
    assert store.open_table(places, "logs").count() == 2 * ROUNDS


@pytest.mark.nightly
def test_what_a_restore_took_comes_back(
    broker: Broker, topic: Topic, tmp_path: Path, once: streams.Once
) -> None:
    """Verify says what is lacking; a mere start does not bring it, after `recover` one does."""
    asked = streams.settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=100)
    places = Places.of(asked)
    send(broker.bootstrap, topic.name, [message()] * 270 + [b"no event"] * 30)
    once(asked)
    maintenance.restore(places, "logs", 1)
    once(asked)
    assert verify(places).gaps > 0
    streams.recover(asked)
    once(asked)

    assert (verify(places).ok, verify(places).records) == (True, 300)
    assert broken(broker.bootstrap, places, topic.name) == []


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
