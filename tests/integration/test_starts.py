"""A start goes on where the last one ended, or says in words why it does not."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from support import hooks, streams
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import Once, running, settings, until

from cli.stack.broker import Broker
from lakehouse.errors import CheckpointError
from lakehouse.ingest.lag import count, unread_offsets
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings

pytestmark = [pytest.mark.broker, pytest.mark.spark]


@pytest.fixture
def asked(broker: Broker, topic: Topic, tmp_path: Path) -> Settings:
    """A new lake over a topic of a thousand records."""
    send(broker.bootstrap, topic.name, [message()] * 990 + [b"no event"] * 10)
    return settings(broker.bootstrap, topic.name, tmp_path)


def ended(stream: subprocess.Popen[str]) -> tuple[int, str]:
    """How a stream that ends by itself does so, and what it says."""
    said, _ = stream.communicate(timeout=60)
    return stream.returncode, said


def level(asked: Settings) -> bool:
    """Whether all that the topic has was taken."""
    where, places = asked.kafka, Places.of(asked)
    return not count(unread_offsets(places, Connection.of(where), [where.topic]))


def test_second_run_changes_nothing(asked: Settings, once: Once) -> None:
    """Run twice: the same rows, the same versions of the tables, no batch."""
    first, before = once(asked), verify(Places.of(asked))
    second, after = once(asked), verify(Places.of(asked))

    assert (sum(batch.rows for batch in first), second) == (1000, [])
    assert (replace(after, proof=before.proof), after.ok) == (before, True)


def test_stream_may_start_before_its_first_record(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once
) -> None:
    """A start over an empty topic, and another one, are no fault; what comes then is read."""
    asked = settings(broker.bootstrap, topic.name, tmp_path)
    once(asked)
    once(asked)
    send(broker.bootstrap, topic.name, [message()] * 10)

    assert sum(batch.rows for batch in once(asked)) == 10
    assert verify(Places.of(asked)).ok


def test_second_stream_on_a_lake_is_refused(asked: Settings) -> None:
    """While one stream runs, another says so, and ends with exit code 3."""
    with running(asked) as first:
        until(first, " batch ")
        code, said = ended(streams.start(asked))

    assert code == 3
    assert "the ingest query runs already" in said
    assert "Traceback" not in said


def test_topic_made_anew_is_refused(asked: Settings, once: Once) -> None:
    """A topic deleted and made again is another topic: the start is refused, with what to do."""
    once(asked)
    kafka = asked.kafka
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics([kafka.topic])[kafka.topic].result(10)
    topics.create(Connection(kafka.bootstrap), kafka.topic, partitions=2)
    send(kafka.bootstrap, kafka.topic, [message()] * 2000)

    with pytest.raises(CheckpointError, match="deleted and made again") as refusal:
        once(asked)
    assert "topic of another name" in refusal.value.remedy
    assert verify(Places.of(asked)).records == 1000


def test_added_partitions_are_read_and_verified(asked: Settings, once: Once) -> None:
    """Partitions that a topic gains are read from their first record, and counted."""
    once(asked)
    kafka = asked.kafka
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_partitions([NewPartitions(kafka.topic, 4)])[kafka.topic].result(10)
    for partition in (2, 3):
        send(kafka.bootstrap, kafka.topic, [message()] * 100, partition)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, 1200)
    assert [part.partition for part in verdict.partitions] == [0, 1, 2, 3]


@pytest.mark.nightly
def test_partitions_added_while_the_stream_runs_are_read(asked: Settings) -> None:
    """From their first record, by the same run: by the executors that read the others before."""
    where, places = asked.kafka, Places.of(asked)
    admin = AdminClient({"bootstrap.servers": where.bootstrap})
    with streams.running(asked) as stream:
        until(stream, " batch ")
        admin.create_partitions([NewPartitions(where.topic, 4)])[where.topic].result(10)
        for partition in (3, 0, 2, 1):
            send(where.bootstrap, where.topic, [message()] * 100, partition)
        hooks.until(lambda: level(asked) or stream.poll() is not None, 120)
        code, said = streams.stop(stream)

    verdict = verify(places)
    assert code == 0, said
    assert (verdict.ok, verdict.records) == (True, 1400)
    assert [part.partition for part in verdict.partitions] == [0, 1, 2, 3]
    assert broken(where.bootstrap, places, where.topic) == []


def test_lost_checkpoint_is_refused_then_recovered(asked: Settings, once: Once) -> None:
    """Without its checkpoint a start is refused; recovered, it repeats and loses nothing."""
    once(asked)
    shutil.rmtree(Places.of(asked).checkpoint("ingest"))
    send(asked.kafka.bootstrap, asked.kafka.topic, [message()] * 500)
    with pytest.raises(CheckpointError) as refusal:
        once(asked)
    assert "logpond recover ingest" in refusal.value.remedy
    streams.recover(asked)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, 1500)
    assert broken(asked.kafka.bootstrap, Places.of(asked), asked.kafka.topic) == []


def test_lost_checkpoints_and_ledger_are_recovered(asked: Settings, once: Once) -> None:
    """Even without the manifest, what the tables hold is enough to go on."""
    once(asked)
    shutil.rmtree(Places.of(asked).checkpoints)
    send(asked.kafka.bootstrap, asked.kafka.topic, [message()] * 500)
    streams.recover(asked)
    once(asked)

    assert verify(Places.of(asked)).ok
    assert broken(asked.kafka.bootstrap, Places.of(asked), asked.kafka.topic) == []


def test_wrong_broker_is_one_clear_line(tmp_path: Path) -> None:
    """An address where no Kafka answers is said in words, with exit code 5 and no trace."""
    code, said = ended(streams.start(settings("127.0.0.1:9", "web-logs", tmp_path), "--once"))

    assert code == 5
    assert "Kafka does not answer at 127.0.0.1:9\n" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 3
