"""The publisher knows exactly what was not acked, and holds the generator back."""

from __future__ import annotations

import threading
import time
from itertools import repeat

import pytest

from cli.stack.broker import Broker
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from producer import publish
from producer.publish import Publisher

NOWHERE = Connection("127.0.0.1:9")


def publisher(
    stop: threading.Event, connection: Connection = NOWHERE, topic: str = "t"
) -> Publisher:
    """One that tells nobody."""
    return Publisher(connection, topic, stop, lambda _line: None, lambda: None)


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a broker that is known to be away; one that is there may."""
    if "broker" not in request.fixturenames:
        monkeypatch.setattr(publish, "PATIENCE_SECONDS", 1.0)


@pytest.mark.slow
def test_what_was_never_acked_comes_back_whole() -> None:
    """Without a broker, every record is unsent, in full, and none acked."""
    out, records = publisher(threading.Event()), [(b"k", b"1"), (b"k", None), (b"", b"\xff")]
    out.send(records)
    out.close()

    assert sorted(out.unsent, key=str) == sorted(records, key=str)
    assert (out.acked, out.refused, out.taken) == (0, [], 3)


@pytest.mark.slow
def test_a_full_queue_holds_the_generator_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker no more is taken than the queue holds, until a stop; then none is lost."""
    monkeypatch.setitem(publish.TUNING, "queue.buffering.max.messages", 100)
    stop = threading.Event()
    out = publisher(stop)
    endless = threading.Thread(target=out.send, args=(repeat((b"k", b"v")),))
    endless.start()
    time.sleep(1)
    taken = out.taken
    stop.set()
    endless.join(5)
    out.close()

    assert (taken, out.taken, len(out.unsent), out.acked) == (100, 101, 101, 0)


@pytest.mark.broker
def test_a_record_too_large_is_refused_and_the_rest_acked(broker: Broker, topic: Topic) -> None:
    """What Kafka will never take is not tried again, and does not stop the others."""
    out = publisher(threading.Event(), broker.connection, topic.name)
    out.send([(b"k", b"v"), (b"k", b"x" * 2_000_000), (b"k", b"v")])
    out.close()

    assert (out.acked, len(out.refused), out.unsent) == (2, 1, [])
