"""The producer as a process of its own, and what it left in a topic."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code, the object on its last line, and what it told people."""

    code: int
    last: dict[str, Any]
    told: str


def start(bootstrap: str, topic: str, lake: Path, *flags: str) -> subprocess.Popen[str]:
    """A running producer; nothing malformed, repeated or late unless `flags` say so."""
    pure = ["--malformed", "0", "--duplicates", "0", "--late", "0", "--format", "json"]
    where = ["--bootstrap", bootstrap, "--topic", topic, "--lake", str(lake)]
    command = [sys.executable, "-m", "producer", *where, *pure, *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> Ended:
    """Wait for its end."""
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, json.loads(out.splitlines()[-1]) if out else {}, err)


def run(bootstrap: str, topic: str, lake: Path, *flags: str) -> Ended:
    """A whole run."""
    return end(start(bootstrap, topic, lake, *flags))


def until_acked(process: subprocess.Popen[str], count: int) -> None:
    """Wait until so many records are acked."""
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["acked"] < count:
        pass


def values(bootstrap: str, topic: str) -> list[bytes | None]:
    """The values of all records in a topic."""
    from confluent_kafka import Consumer, TopicPartition

    offsets = kafka.offsets(Connection(bootstrap), topic)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, p, first) for p, (first, _) in offsets.items()])
    wanted, found = sum(end - first for first, end in offsets.values()), list[bytes | None]()
    while len(found) < wanted:
        found += [message.value() for message in consumer.consume(5000, timeout=1)]
    consumer.close()
    return found


def event_ids(bootstrap: str, topic: str) -> list[str]:
    """The event ids of all records in a topic."""
    return [json.loads(value or b"")["event_id"] for value in values(bootstrap, topic)]
