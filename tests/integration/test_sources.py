"""One ingest query over the topics of several sources, which come, go and are made again."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from support import streams
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.errors import BrokerError, CheckpointError
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = [pytest.mark.broker, pytest.mark.spark]

SHOP = '[shop]\nformat = "json"\non_missing_time = "reject"\n'


@pytest.fixture
def second(broker: Broker) -> Topic:
    """Another topic, of one partition, whose first ten records are gone."""
    made = kafka.create(broker.connection, f"second-{uuid.uuid4().hex[:8]}", partitions=1)
    send(broker.bootstrap, made.name, [message()] * 10)
    kafka.empty(broker.connection, made.name)
    send(broker.bootstrap, made.name, [message(service="app")] * 40)
    return made


@pytest.fixture
def asked(broker: Broker, topic: Topic, tmp_path: Path) -> Settings:
    """A new lake over a topic of a hundred records, by a file of sources of its own."""
    send(broker.bootstrap, topic.name, [message()] * 95 + [b"no event"] * 5)
    file = tmp_path / "sources.toml"
    file.write_text(SHOP)
    return settings(broker.bootstrap, topic.name, tmp_path / "lake", sources=str(file))


def name(asked: Settings, *topics: Topic) -> None:
    """Have the file of sources name these, beside the first."""
    named = ", ".join(f'"{topic.name}"' for topic in topics)
    more = f"[app]\ntopics = [{named}]\n" if topics else ""
    Path(asked.sources).write_text(SHOP + more)


def counted(asked: Settings) -> dict[str, int]:
    """Records of each topic in both tables."""
    counts = dict[str, int]()
    for table in (LOGS, QUARANTINE):
        rows = store.open_table(Places.of(asked), table).to_pyarrow_dataset()
        for topic in rows.to_table(columns=["_topic"])["_topic"].to_pylist():
            counts[topic] = counts.get(topic, 0) + 1
    return counts


def test_a_source_is_added_left_and_taken_up_again(
    asked: Settings, second: Topic, once: Once
) -> None:
    """At a restart, from its earliest record, under the same checkpoint; nothing is read twice."""
    bootstrap, first = asked.kafka.bootstrap, asked.kafka.topic
    once(asked)
    query_id = INGEST.checkpoint(Places.of(asked)).manifest().query_id  # type: ignore[union-attr]
    name(asked, second)
    once(asked)
    assert counted(asked) == {first: 100, second.name: 40}
    name(asked)
    send(bootstrap, second.name, [message(service="app")] * 7)
    send(bootstrap, first, [message()] * 3)
    once(asked)
    assert counted(asked) == {first: 103, second.name: 40}
    name(asked, second)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, 150), verdict
    assert counted(asked) == {first: 103, second.name: 47}
    for topic in (first, second.name):
        assert broken(bootstrap, Places.of(asked), topic) == []
    manifest = INGEST.checkpoint(Places.of(asked)).manifest()
    assert manifest
    assert (manifest.query_id, manifest.past) == (query_id, [])


def test_a_topic_with_more_than_a_batch_is_taken_up_again(
    asked: Settings, second: Topic, once: Once
) -> None:
    """Batches that reach less far than it was read bring nothing of it, and the others go on."""
    name(asked, second)
    once(asked)
    name(asked)
    once(asked)
    name(asked, second)
    send(asked.kafka.bootstrap, asked.kafka.topic, [message()] * 30)
    send(asked.kafka.bootstrap, second.name, [message(service="app")] * 7)
    ingest = asked.ingest.model_copy(update={"max_offsets": 20})
    once(asked.model_copy(update={"ingest": ingest}))

    assert verify(Places.of(asked)).ok
    assert counted(asked) == {asked.kafka.topic: 130, second.name: 47}


def test_a_second_topic_made_again_is_refused(asked: Settings, second: Topic, once: Once) -> None:
    """In words, and nothing is read of any."""
    name(asked, second)
    once(asked)
    admin = AdminClient({"bootstrap.servers": asked.kafka.bootstrap})
    admin.delete_topics([second.name])[second.name].result(10)
    with pytest.raises(BrokerError, match=r"does not exist at .* any more"):
        once(asked)
    kafka.create(Connection(asked.kafka.bootstrap), second.name, partitions=1)
    with pytest.raises(CheckpointError, match=f"topic {second.name} was deleted and made again"):
        once(asked)
    name(asked)
    once(asked)
    assert verify(Places.of(asked)).ok


def test_a_topic_that_is_not_there_yet_is_no_fault(
    asked: Settings, second: Topic, once: Once
) -> None:
    """It is taken up by the first start that finds it."""
    later = Topic(f"later-{uuid.uuid4().hex[:8]}", "", 1)
    name(asked, second, later)
    once(asked)
    assert sum(counted(asked).values()) == 140
    kafka.create(Connection(asked.kafka.bootstrap), later.name, partitions=1)
    send(asked.kafka.bootstrap, later.name, [message(service="later")] * 5)
    once(asked)

    assert counted(asked)[later.name] == 5
    assert verify(Places.of(asked)).ok


@pytest.mark.parametrize(
    "lost",
    ["ingest", pytest.param("", marks=pytest.mark.nightly)],
    ids=["checkpoint", "ledger too"],
)
def test_a_lost_checkpoint_of_two_topics_is_recovered(
    asked: Settings, second: Topic, once: Once, lost: str
) -> None:
    """Each topic goes on at the first of its records that the tables lack."""
    bootstrap, first = asked.kafka.bootstrap, asked.kafka.topic
    name(asked, second)
    once(asked)
    shutil.rmtree(Path(Places.of(asked).checkpoints, lost))
    send(bootstrap, first, [message()] * 20)
    send(bootstrap, second.name, [message(service="app")] * 30)
    with pytest.raises(CheckpointError, match="recover ingest"):
        once(asked)
    streams.recover(asked)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, 190), verdict
    for topic in (first, second.name):
        assert broken(bootstrap, Places.of(asked), topic) == []
