"""A broker that is killed under load and comes back costs time, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import produced
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import Once, running, settings, stop, until

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

TOPIC = "survives"


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own, which keeps its port."""
    with Broker(str(tmp_path / "broker")) as broker:
        broker.wanted_port = broker.port
        kafka.create(broker.connection, TOPIC, partitions=2)
        yield broker


def test_broker_killed_and_back(mortal: Broker, tmp_path: Path, once: Once) -> None:
    """Stream and producer go on by themselves, and nothing that was acked is missing."""
    asked = settings(mortal.bootstrap, TOPIC, tmp_path / "lake")
    load = produced.start(mortal.bootstrap, TOPIC, tmp_path / "lake", "--rate", "1000")
    with running(asked) as stream:
        until(stream, " batch 1 ")
        mortal.kill()
        time.sleep(5)
        mortal.start()
        for _ in range(3):
            until(stream, " batch ")
        load.terminate()
        ended = produced.end(load)
        code, said = stop(stream)
    once(asked)

    assert (code, ended.code) == (0, 0), said
    assert "Kafka does not answer" in ended.told
    verdict = verify(Places.of(asked))
    assert verdict.ok, verdict
    assert verdict.records == ended.last["acked"]
    assert broken(mortal.bootstrap, Places.of(asked), TOPIC) == []


@pytest.mark.nightly
def test_stop_while_the_broker_is_away(mortal: Broker, tmp_path: Path) -> None:
    """A stream that waits for its broker says so, and a stop still ends it well within 30 s."""
    send(mortal.bootstrap, TOPIC, [message()] * 100)
    with running(settings(mortal.bootstrap, TOPIC, tmp_path / "lake")) as stream:
        until(stream, " batch 0 ")
        mortal.kill()
        until(stream, "Kafka does not answer")
        began = time.monotonic()
        code, said = stop(stream)

    assert (code, time.monotonic() - began < 30) == (0, True), said
    assert "Traceback" not in said
