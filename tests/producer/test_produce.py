"""A run of the producer against a real broker: what it says is what is in the topic."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from support import produced

from cli.stack.broker import Broker
from lakehouse.runtime.kafka import Topic
from producer import spool

pytestmark = pytest.mark.broker


def test_everything_acked_is_in_the_topic_once(
    broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """As many unique events are read back as the last line says were acked."""
    ended = produced.run(broker.bootstrap, topic.name, tmp_path, "--rate", "0", "--duration", "2")
    ids = produced.event_ids(broker.bootstrap, topic.name)

    assert (ended.code, ended.last["phase"], ended.last["unsent"]) == (0, "done", 0)
    assert ended.last["acked"] == len(ids) == len(set(ids)) > 10_000


def test_the_rate_asked_for_is_kept(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """300 a second for three seconds are 900."""
    ended = produced.run(broker.bootstrap, topic.name, tmp_path, "--rate", "300", "--duration", "3")

    assert ended.last["acked"] == pytest.approx(900, rel=0.02)


def test_a_stop_ends_with_everything_acked(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """SIGTERM flushes: exit code 0, and the topic holds exactly what was acked."""
    process = produced.start(broker.bootstrap, topic.name, tmp_path, "--rate", "500")
    produced.until_acked(process, 100)
    process.send_signal(signal.SIGTERM)
    ended = produced.end(process)

    assert (ended.code, ended.last["unsent"]) == (0, 0)
    assert ended.last["acked"] == len(produced.values(broker.bootstrap, topic.name))


def test_backfill_comes_first_and_without_a_hole(
    broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """Ten minutes of earlier event time, and no gap up to the live events."""
    flags = ("--backfill", "10m", "--rate", "20", "--duration", "2")
    produced.run(broker.bootstrap, topic.name, tmp_path, *flags)
    events = [json.loads(v or b"") for v in produced.values(broker.bootstrap, topic.name)]
    times = sorted(datetime.fromisoformat(event["timestamp"]).timestamp() for event in events)

    assert times[-1] - times[0] > 600
    assert max(b - a for a, b in pairwise(times)) < 1


def test_an_incident_leaves_its_truth(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """The labels file gets kind, keys and the time, counted from the first live event."""
    before = datetime.now(UTC)
    flags = ("--duration", "3", "--incident", "error-burst@+1s:1s")
    produced.run(broker.bootstrap, topic.name, tmp_path, *flags)
    (line,) = (tmp_path / "_state" / "labels.ndjson").read_text().splitlines()
    label = json.loads(line)
    start, end = (datetime.fromisoformat(label[name]) for name in ("start", "end"))

    assert (label["kind"], (end - start).total_seconds()) == ("error-burst", 1.0)
    assert 0 < (start - before).total_seconds() < 10
    assert {"service", "endpoint"} < label.keys()


def test_the_real_log_arrives_to_the_line(
    broker: Broker, topic: Topic, tmp_path: Path, shared_data: Path
) -> None:
    """Replay alone: 10,000 records, no synthetic ones."""
    log = shared_data / "web" / "elastic_apache_access.log.gz"
    ended = produced.run(broker.bootstrap, topic.name, tmp_path, "--replay", str(log))

    assert (ended.code, ended.last["acked"]) == (0, 10_000)
    assert len(produced.values(broker.bootstrap, topic.name)) == 10_000


def test_leftovers_are_sent_first_and_removed(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """What an earlier run kept on disk is in the topic after the next one, and off the disk."""
    kept = spool.keep(tmp_path, [(b"192.0.2.1", b"left over"), (b"192.0.2.1", None)])
    flags = ("--spool", str(tmp_path), "--rate", "10", "--duration", "1")
    ended = produced.run(broker.bootstrap, topic.name, tmp_path, *flags)
    values = produced.values(broker.bootstrap, topic.name)

    assert kept is not None
    assert not kept.exists()
    assert {b"left over", None} < set(values)
    assert ended.last["acked"] == len(values)


@pytest.mark.faults
def test_what_a_dead_broker_did_not_take_is_sent_at_the_next_start(tmp_path: Path) -> None:
    """Broker killed, producer stopped: exit 6; with the broker back, every event is there.

    What the broker wrote but did not live to acknowledge is sent again, under its event id.
    """
    from lakehouse.runtime import kafka

    with Broker(str(tmp_path / "broker")) as broker:
        kafka.create(broker.connection, "web-logs", 2)
        process = produced.start(broker.bootstrap, "web-logs", tmp_path, "--rate", "500")
        produced.until_acked(process, 200)
        broker.kill()
        process.send_signal(signal.SIGTERM)
        first = produced.end(process)
        broker.wanted_port = broker.port
        broker.start()
        second = produced.run(broker.bootstrap, "web-logs", tmp_path, "--duration", "1")
        ids = produced.event_ids(broker.bootstrap, "web-logs")

    assert (first.code, second.code) == (6, 0)
    assert first.last["unsent"] > 0
    assert first.told.count("does not answer") == 1 == first.told.count("\n")
    assert len(set(ids)) == first.last["acked"] + second.last["acked"]
    assert len(ids) - len(set(ids)) <= first.last["unsent"]


@pytest.mark.faults
def test_a_broker_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    """Killed and started again during a run: exit 0, and nothing acked is missing."""
    from lakehouse.runtime import kafka

    with Broker(str(tmp_path / "broker")) as broker:
        kafka.create(broker.connection, "web-logs", 2)
        process = produced.start(broker.bootstrap, "web-logs", tmp_path, "--rate", "500")
        produced.until_acked(process, 200)
        broker.kill()
        broker.wanted_port = broker.port
        broker.start()
        produced.until_acked(process, 2000)
        process.send_signal(signal.SIGTERM)
        ended = produced.end(process)
        ids = produced.event_ids(broker.bootstrap, "web-logs")

    assert (ended.code, ended.last["unsent"]) == (0, 0)
    assert "answers again" in ended.told
    assert len(set(ids)) == len(ids) == ended.last["acked"]
