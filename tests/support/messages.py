"""Builders: records in a topic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


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


def send_in_transactions(bootstrap: str, topic: str, payloads: dict[bool, list[bytes]]) -> None:
    """Send an aborted transaction, a committed one and another aborted one to partition 0.

    `payloads[True]` are the records of the committed one.
    """
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic, "log_level": 0})
    producer.init_transactions(30)
    for is_committed in (False, True, False):
        producer.begin_transaction()
        for payload in payloads[is_committed]:
            producer.produce(topic, payload, partition=0)
        producer.flush(30)
        (producer.commit_transaction if is_committed else producer.abort_transaction)(30)


def send_raw(bootstrap: str, topic: str, names: Iterable[bytes]) -> None:
    """Send a record to partition 0 with headers of these names, which need not be UTF-8.

    The client of Python takes text only; its library takes any bytes.
    """
    import ctypes

    import confluent_kafka

    (library,) = Path(f"{confluent_kafka.__path__[0]}.libs").glob("librdkafka-*")
    kafka, error = ctypes.CDLL(str(library)), ctypes.create_string_buffer(512)
    for made in (kafka.rd_kafka_conf_new, kafka.rd_kafka_headers_new, kafka.rd_kafka_new):
        made.restype = ctypes.c_void_p
    settings = ctypes.c_void_p(kafka.rd_kafka_conf_new())
    kafka.rd_kafka_conf_set(settings, b"bootstrap.servers", bootstrap.encode(), error, 512)
    producer = ctypes.c_void_p(kafka.rd_kafka_new(0, settings, error, 512))
    headers = ctypes.c_void_p(kafka.rd_kafka_headers_new(8))
    for name in names:
        size = ctypes.c_ssize_t(len(name))
        kafka.rd_kafka_header_add(headers, name, size, b"v", ctypes.c_ssize_t(1))
    # of librdkafka's tags: 1 topic, 3 partition, 4 value, 10 headers; 0 is the end
    where = (1, ctypes.c_char_p(topic.encode()), 3, ctypes.c_int32(0))
    value = (4, ctypes.c_char_p(b"x"), ctypes.c_size_t(1))
    assert kafka.rd_kafka_producev(producer, *where, *value, 10, headers, 0) == 0
    assert kafka.rd_kafka_flush(producer, 20_000) == 0
    kafka.rd_kafka_destroy(producer)
