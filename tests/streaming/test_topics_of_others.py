"""Topics as other software keeps them: compacted, packed, with transactions, found by a pattern."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from support.hooks import until
from support.messages import send_in_transactions
from support.records import message
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = [pytest.mark.broker, pytest.mark.spark]

CODECS = ("zstd", "lz4", "snappy", "gzip", "none")
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0",
}


@pytest.fixture
def asked(broker: Broker, tmp_path: Path) -> Settings:
    """A new lake whose one source reads every topic of a name that is the test's own."""
    stem = f"shop-{uuid.uuid4().hex[:8]}"
    file = tmp_path / "sources.toml"
    file.write_text(f"[shop]\npattern = '{stem}[.].*'\n")
    return settings(broker.bootstrap, stem, tmp_path / "lake", sources=str(file))


def send(broker: Broker, topic: str, values: dict[str, bytes | None], **config: str) -> None:
    """Sends a record for each key, with a header; in a transaction where one is named."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **config})
    for key, value in values.items():
        producer.produce(topic, value, key, partition=0, headers={"team": b"shop"})
    assert producer.flush(30) == 0


def compacted(broker: Broker, topic: str) -> None:
    """Fills a topic with ten versions of each key and a tombstone, until Kafka keeps the last."""
    kafka.create(broker.connection, topic, 1, COMPACTED)
    for version in range(10):
        values = {f"k{n}": message(user=f"v{version}") for n in range(20)}
        send(broker, topic, values | {"gone": None if version == 9 else message()})
    until(lambda: rolled_and_cleaned(broker, topic), 90)
    left_as_it_is(broker, topic)


def rolled_and_cleaned(broker: Broker, topic: str) -> bool:
    """Has Kafka begin another segment; returns whether it has thrown away what was replaced."""
    send(broker, topic, {"last": message(user="last")})
    return len(visible(broker, topic)) < 100


def left_as_it_is(broker: Broker, topic: str) -> None:
    """Has Kafka compact no more: the test counts what is there."""
    settings = {"cleanup.policy": "delete", "retention.ms": "-1"}
    put = AlterConfigOpType.SET
    entries = [
        ConfigEntry(name, value, incremental_operation=put) for name, value in settings.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(30)


def visible(broker: Broker, topic: str) -> list[int]:
    """Returns the offsets that a reader of a topic is given."""
    from confluent_kafka import Consumer, TopicPartition

    (_, end) = kafka.offsets(broker.connection, topic)[0]
    config = {"bootstrap.servers": broker.bootstrap, "group.id": "look"}
    consumer, found = Consumer({**config, "enable.partition.eof": True}), list[int]()
    consumer.assign([TopicPartition(topic, 0, 0)])
    while (record := consumer.poll(10)) is not None and not record.error():
        found.append(record.offset())
    consumer.close()
    return [offset for offset in found if offset < end]


@pytest.mark.nightly  # Kafka compacts when it likes; `tests/streaming/test_fetch.py` reads the like
def test_each_topic_of_a_pattern_is_taken_as_it_is(
    asked: Settings, broker: Broker, once: Once
) -> None:
    """What readers are given is in a table once; what they are not is counted as such."""
    stem, places = asked.kafka.topic, Places.of(asked)
    compacted(broker, f"{stem}.compacted")
    kafka.create(broker.connection, f"{stem}.packed", 1)
    for codec in CODECS:
        values: dict[str, bytes | None] = {f"{codec}{n}": message(user=codec) for n in range(10)}
        send(broker, f"{stem}.packed", values, **{"compression.type": codec})
    send(broker, f"{stem}.packed", {"tombstone": None})
    kafka.create(broker.connection, f"{stem}.paid", 1)
    paid = {kept: [message(user=str(kept))] * 5 for kept in (True, False)}
    send_in_transactions(broker.bootstrap, f"{stem}.paid", paid)
    given = {name: visible(broker, f"{stem}.{name}") for name in ("compacted", "packed", "paid")}
    once(asked)

    logs = store.open_table(places, LOGS).to_pyarrow_dataset().to_table().to_pylist()
    refused = store.open_table(places, QUARANTINE).to_pyarrow_dataset().to_table().to_pylist()
    for name, offsets in given.items():
        topic = f"{stem}.{name}"
        assert sorted(r["_offset"] for r in logs + refused if r["_topic"] == topic) == offsets, name
    users = Counter(r["user"] for r in logs if r["_topic"].endswith((".packed", ".paid")))
    assert users == dict.fromkeys(CODECS, 10) | {"True": 5}
    # tombstones; Kafka may keep that of the compacted topic for a while
    assert {row["payload"] for row in refused} == {None}
    assert f"{stem}.packed" in {row["_topic"] for row in refused}
    teams = {
        dict(row["attributes"]).get("kafka.header.team")
        for row in logs
        if row["user"] in {"v9", "zstd"}
    }
    assert teams == {"shop"}
    verdict = verify(places)
    assert (verdict.ok, verdict.gaps, verdict.lost) == (True, 0, 0), verdict
    ends = [kafka.offsets(broker.connection, f"{stem}.{name}")[0][1] for name in given]
    assert verdict.invisible == sum(ends) - sum(map(len, given.values()))
