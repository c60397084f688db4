"""Which Kafka belongs to a lake: the one that its settings name, or its own embedded broker."""

from __future__ import annotations

import re

from lakehouse.paths import Places, is_url
from lakehouse.settings import Kafka

ADVERTISED = re.compile(r"^advertised\.listeners=PLAINTEXT://([\w.-]+:\d+)", re.MULTILINE)


def bootstrap(places: Places, kafka: Kafka) -> str:
    """Where clients connect; the default means the embedded broker, where the lake has one."""
    if kafka.bootstrap != Kafka().bootstrap:
        return kafka.bootstrap
    return embedded(places) or kafka.bootstrap


def embedded(places: Places) -> str | None:
    """Where the embedded broker of a lake was last started; None where it never was."""
    file = places.broker_properties
    if is_url(places.lake) or not file.is_file():
        return None
    found = ADVERTISED.search(file.read_text())
    return found[1] if found else None
