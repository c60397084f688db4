"""Builders: records in a topic."""

from __future__ import annotations

from collections.abc import Iterable


def send(bootstrap: str, topic: str, payloads: Iterable[bytes | None], partition: int = -1) -> int:
    """Send these payloads and wait until all are acknowledged; how many."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    failures: list[object] = []
    count = 0
    for count, payload in enumerate(payloads, 1):
        producer.produce(
            topic,
            payload,
            partition=partition,
            on_delivery=lambda e, _m: failures.append(e) if e else None,
        )
        if count % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0
    assert not failures, failures[:3]
    return count
