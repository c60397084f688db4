"""The promise, checked without the project's own checker: a plain consumer against the tables."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import NamedTuple

from lakehouse import store
from lakehouse.ingest.offsets import Offsets
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.tables.catalog import LOGS, QUARANTINE


class At(NamedTuple):
    """A record's place in its topic."""

    partition: int
    offset: int


def payloads(bootstrap: str, topic: str) -> dict[At, bytes | None]:
    """Every record of a topic."""
    from confluent_kafka import Consumer, TopicPartition

    offsets = kafka.offsets(Connection(bootstrap), topic)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "promise"})
    consumer.assign([TopicPartition(topic, p, first) for p, (first, _) in offsets.items()])
    wanted, found = sum(end - first for first, end in offsets.values()), dict[At, bytes | None]()
    while len(found) < wanted:
        for message in consumer.consume(5000, timeout=1):
            assert message.error() is None, message.error()
            found[At(message.partition(), message.offset())] = message.value()
    consumer.close()
    return found


def in_logs(places: Places, topic: str) -> list[tuple[At, str]]:
    """Where each row of `logs` came from, and its event."""
    return _rows(places, LOGS.name, topic, "event_id")


def in_open_quarantine(places: Places, topic: str) -> list[tuple[At, str]]:
    """Where each row of `quarantine` came from that is not in `logs`, and its payload's hash."""
    passed = {at for at, _ in in_logs(places, topic)}
    rows = _rows(places, QUARANTINE.name, topic, "payload_sha256")
    return [row for row in rows if row[0] not in passed]


def broken(bootstrap: str, places: Places, topic: str, end: Offsets | None = None) -> list[str]:
    """Every way in which the tables differ from the topic's records, those before `end` if given.

    What is planned and not completed may be there, but at most once and unchanged.
    """
    rows = in_logs(places, topic) + in_open_quarantine(places, topic)
    sent = payloads(bootstrap, topic)  # last: more may come meanwhile
    counts = Counter(at for at, _ in rows)
    due = [at for at in sent if end is None or at.offset < end.get(at.partition, 0)]
    return [
        *(f"missing {at}" for at in due if not counts[at]),
        *(f"repeated {at}" for at, count in counts.items() if count > 1),
        *(f"from nowhere {at}" for at in counts if at not in sent),
        *(
            f"changed {at}"
            for at, name in rows
            if at in sent and name not in _names(sent[at], f"{topic}/{at.partition}/{at.offset}")
        ),
    ]


def _rows(places: Places, table: str, topic: str, name: str) -> list[tuple[At, str]]:
    found = store.open_table(places, table).to_pyarrow_dataset()
    columns = ["_topic", "_partition", "_offset", name]
    of = found.to_table(columns=columns).to_pylist()
    return [(At(r["_partition"], r["_offset"]), r[name] or "") for r in of if r["_topic"] == topic]


def _names(payload: bytes | None, place: str) -> set[str]:
    """What a row may call a record: its hash where rejected, else its event's id, or its place."""
    if payload is None:
        return {""}
    try:
        event_id = json.loads(payload).get("event_id", place)
    except (ValueError, AttributeError):
        event_id = place
    return {hashlib.sha256(payload).hexdigest(), event_id}
