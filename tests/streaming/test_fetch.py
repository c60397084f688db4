"""What is fetched of a range of offsets is what a reader may see of it, once, in bounded chunks."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import send, send_in_transactions, send_raw

from cli.stack.broker import Broker
from lakehouse.decode import RAW
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from streaming import fetch, source
from streaming.fetch import (
    CHUNK_BYTES,
    FIRST_RECORDS,
    GONE,
    TOO_LARGE,
    UNPACKED_BYTES,
    Fetch,
)
from streaming.records import Range

FETCHED = """
import sys
from lakehouse.runtime.kafka_connection import Connection
from streaming.fetch import Fetch
from streaming.records import Range
try:
    _, bootstrap, topic, end = sys.argv
    for rows in Fetch(Connection(bootstrap))([Range(topic, 0, 0, int(end))]):
        pass
except Exception as error:
    print(error)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) << 10)
"""
RANGES = st.lists(st.integers(1, 50), max_size=6).map(
    lambda sizes: [
        Range(f"topic-{place % 2}", place, 7, 7 + size) for place, size in enumerate(sizes)
    ]
)


@given(RANGES, st.integers(1, 5))
def test_pieces_are_all_of_a_batch(ranges: list[Range], count: int) -> None:
    """Cut into parts, the ranges are the same records in the same order, in like parts."""
    parts = source.pieces(ranges, count)

    taken = [(r.partition, o) for part in parts for r in part for o in range(r.first, r.end)]
    assert taken == [(r.partition, o) for r in ranges for o in range(r.first, r.end)]
    sizes = [sum(r.size for r in part) for part in parts]
    assert len(parts) <= count
    assert not sizes or max(sizes) - min(sizes[:-1] or sizes) == 0 or min(sizes) == sizes[-1]


def fetched(broker: Broker, *ranges: Range) -> list[dict[str, Any]]:
    """The rows of ranges."""
    return [row for rows in Fetch(broker.connection)(ranges) for row in rows.to_pylist()]


def test_ranges_are_fetched_to_their_ends(broker: Broker, topic: Topic) -> None:
    """Of both partitions at once, and again, and no record beyond."""
    for partition in range(2):
        send(broker.bootstrap, topic.name, [b"%d" % n for n in range(300)], partition)

    name = topic.name
    for ranges in ([Range(name, 0, 0, 300), Range(name, 1, 20, 250)], [Range(name, 1, 250, 300)]):
        rows = fetched(broker, *ranges)
        wanted = [(r.partition, o, b"%d" % o) for r in ranges for o in range(r.first, r.end)]
        assert sorted((r["_partition"], r["_offset"], r["value"]) for r in rows) == wanted


def test_what_no_reader_may_see_is_passed_over(broker: Broker, topic: Topic) -> None:
    """Aborted records and markers are in no row, and a range that ends with them ends."""
    five = [b"%d" % n for n in range(5)]
    send_in_transactions(broker.bootstrap, topic.name, {True: five, False: five})
    _, end = kafka.offsets(broker.connection, topic.name)[0]

    rows = fetched(broker, Range(topic.name, 0, 0, end))

    assert [row["_offset"] for row in rows] == [6, 7, 8, 9, 10]


def test_records_that_are_gone_are_said(broker: Broker, topic: Topic) -> None:
    """A range that begins before what Kafka holds is refused, not begun later."""
    send(broker.bootstrap, topic.name, [b"x"] * 10, partition=0)
    kafka.empty(broker.connection, topic.name)

    with pytest.raises(BrokerError, match=GONE):
        fetched(broker, Range(topic.name, 0, 5, 10))


def test_chunks_are_bounded_by_bytes(broker: Broker, topic: Topic) -> None:
    """Large records come a few at a time, however well they pack."""
    send(broker.bootstrap, topic.name, [b"x" * 900_000] * 60, partition=0)

    chunks = [rows.nbytes for rows in Fetch(broker.connection)([Range(topic.name, 0, 0, 60)])]

    assert len(chunks) > 4
    assert max(chunks) <= max(CHUNK_BYTES, FIRST_RECORDS * 900_000) + 1_000_000


def test_headers_are_fetched_where_there_are_some(broker: Broker, topic: Topic) -> None:
    """Repeated names, bytes and none included; of records without any there is no column."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap})
    pairs = [("tenant", b"a"), ("tenant", b"\xff\x00"), ("", b""), ("none", None)]
    producer.produce(topic.name, b"plain", partition=0)
    producer.produce(topic.name, b"named", partition=0, headers=pairs)
    producer.produce(topic.name, b"plain", partition=1)
    assert producer.flush(20) == 0

    first, second = fetched(broker, Range(topic.name, 0, 0, 2)) or ({}, {})
    assert (first.get("_headers") or [], [(h["name"], h["value"]) for h in second["_headers"]]) == (
        [],
        pairs,
    )
    assert [*map(len, fetched(broker, Range(topic.name, 1, 0, 1)))] == [len(RAW.names)]


def test_names_of_headers_that_are_no_utf8_break_nothing(broker: Broker, topic: Topic) -> None:
    """The client raises for them, and once only; the records around them are fetched."""
    for names in ([b"a"], [b"\xff\xfe", b"a"], [b"b"]):
        send_raw(broker.bootstrap, topic.name, names)

    rows = fetched(broker, Range(topic.name, 0, 0, 3))
    assert [[h["name"] for h in row["_headers"]] for row in rows] == [["a"], [None], ["b"]]


def test_headers_count_for_the_size_of_chunks(broker: Broker, topic: Topic) -> None:
    """Records of a few bytes with megabytes of headers do not come all at once."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap, "batch.num.messages": 1})
    for n in range(120):
        producer.produce(topic.name, b"%d" % n, partition=0, headers=[("h", b"x" * 500_000)])
        producer.flush(20)
    chunks = [rows.nbytes for rows in Fetch(broker.connection)([Range(topic.name, 0, 0, 120)])]
    assert max(chunks) < 2 * max(CHUNK_BYTES, FIRST_RECORDS * 500_000)


def packed(broker: Broker, topic: str, codec: str, megabytes: int) -> int:
    """A single batch of so many records of a megabyte of zeros; its size on the way [bytes]."""
    from confluent_kafka import Producer

    large = {"message.max.bytes": 10**9, "batch.size": 2**31 - 1, "linger.ms": 60_000}
    kept = {"queue.buffering.max.kbytes": 2_000_000, "compression.type": codec, "log_level": 0}
    producer = Producer({"bootstrap.servers": broker.bootstrap, **large, **kept})
    for _ in range(megabytes):
        producer.produce(topic, bytes(1_000_000), partition=0)
    assert producer.flush(120) == 0
    return sum(each.stat().st_size for each in broker.data.rglob(f"{topic}-0/*.log"))


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_packed_records_are_read(codec: str, broker: Broker, topic: Topic) -> None:
    """Whatever a producer packs its batches by."""
    packed(broker, topic.name, codec, 3)
    values = [row["value"] for row in fetched(broker, Range(topic.name, 0, 0, 3))]
    assert values == [bytes(1_000_000)] * 3


def test_a_batch_that_unpacks_to_gigabytes_is_refused(broker: Broker, topic: Topic) -> None:
    """In words, and before it takes the memory; less than a megabyte holds them."""
    assert packed(broker, topic.name, "zstd", 1200) < 1_000_000
    done = subprocess.run(
        [sys.executable, "-c", FETCHED, broker.bootstrap, topic.name, "1200"],
        capture_output=True,
        text=True,
        check=True,
    )
    said, peak = done.stdout.rsplit(maxsplit=1)
    assert TOO_LARGE in said
    assert int(peak) < 2 * UNPACKED_BYTES + 300_000_000


@pytest.mark.nightly  # a busy machine is silent for so long before it connects
def test_a_large_batch_that_fits_takes_as_long_as_it_takes(
    broker: Broker, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever unpacks it is not silent."""
    monkeypatch.setattr(fetch, "SILENCE_SECONDS", 0.05)
    packed(broker, topic.name, "gzip", 200)

    assert len(fetched(broker, Range(topic.name, 0, 0, 200))) == 200
