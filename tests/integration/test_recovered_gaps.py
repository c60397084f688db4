"""A gap in the tables is read again from Kafka, and what lies beyond it is not read twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.lakes import TABLES
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE
from streaming.repair.recover import Recovery, recover

pytestmark = [pytest.mark.broker, pytest.mark.spark]


@pytest.fixture
def asked(broker: Broker, topic: Topic, tmp_path: Path) -> Settings:
    """A new lake over a topic of two partitions, small batches."""
    for partition in (0, 1):
        send(broker.bootstrap, topic.name, [message()] * 45 + [b"no event"] * 5, partition)
    return settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=30)


def recovered(asked: Settings) -> Recovery:
    """The query's checkpoint made anew."""
    places, kafka = Places.of(asked), asked.kafka
    writers = {t.name: store.Writer(places, t) for t in TABLES}
    topic = topics.describe(Connection(kafka.bootstrap), kafka.topic)
    first = {topic.name: {0: 0, 1: 0}}
    return recover(places, "ingest", [topic], first, writers, TABLES, 1)


@pytest.mark.parametrize("keeps_manifest", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_gaps_are_filled_and_nothing_repeated(
    asked: Settings, once: Once, keeps_manifest: bool
) -> None:
    """Rows gone from both tables come back from the broker; the others stay as they are."""
    once(asked)
    places, (bootstrap, topic) = Places.of(asked), (asked.kafka.bootstrap, asked.kafka.topic)
    store.open_table(places, LOGS).delete("_partition = 0 and _offset in (7, 31)")
    store.open_table(places, QUARANTINE).delete("_partition = 1 and _offset = 48")
    if not keeps_manifest:
        shutil.rmtree(places.checkpoints)

    done = recovered(asked)
    once(asked)

    assert (done.start, done.held) == ({topic: {0: 7, 1: 48}}, {topic: {0: 50, 1: 50}})
    assert broken(bootstrap, places, topic) == []
    assert verify(places).ok
