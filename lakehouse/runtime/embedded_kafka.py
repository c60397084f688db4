"""Which Kafka belongs to a lake: the one that its settings name, or its own embedded broker."""

from __future__ import annotations

import re

from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Kafka

ADVERTISED = re.compile(r"^advertised\.listeners=PLAINTEXT://([\w.-]+:\d+)", re.MULTILINE)


def connection(places: Places, kafka: Kafka) -> Connection:
    """Returns how clients connect; by default the embedded broker, if the lake has one."""
    if is_foreign(kafka) or not (own := embedded(places)):
        return Connection.of(kafka)
    return Connection(own)


def is_foreign(kafka: Kafka) -> bool:
    """Whether settings name another Kafka than the embedded one, which has no users and no TLS."""
    return (kafka.bootstrap, kafka.protocol) != (Kafka().bootstrap, Kafka().protocol)


def embedded(places: Places) -> str | None:
    """Returns where the embedded broker of a lake was last started; None if it never was."""
    file = places.broker_properties
    if not file.is_file():
        return None
    found = ADVERTISED.search(file.read_text())
    return found[1] if found else None
