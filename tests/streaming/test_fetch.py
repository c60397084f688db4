"""What is fetched of a range of offsets is what a reader may see of it, once, in bounded chunks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import send

from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from streaming import source
from streaming.fetch import CHUNK_BYTES, FIRST_RECORDS, GONE, Fetch, Range

RANGES = st.lists(st.integers(1, 50), max_size=6).map(
    lambda sizes: [Range(place, 7, 7 + size) for place, size in enumerate(sizes)]
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


def fetched(broker: Broker, topic: str, *ranges: Range) -> list[dict[str, Any]]:
    """The rows of ranges."""
    return [row for rows in Fetch(broker.bootstrap, topic)(ranges) for row in rows.to_pylist()]


def test_ranges_are_fetched_to_their_ends(broker: Broker, topic: Topic) -> None:
    """Of both partitions at once, and again, and no record beyond."""
    for partition in range(2):
        send(broker.bootstrap, topic.name, [b"%d" % n for n in range(300)], partition)

    for ranges in ([Range(0, 0, 300), Range(1, 20, 250)], [Range(1, 250, 300)]):
        rows = fetched(broker, topic.name, *ranges)
        wanted = [(r.partition, o, b"%d" % o) for r in ranges for o in range(r.first, r.end)]
        assert sorted((r["_partition"], r["_offset"], r["value"]) for r in rows) == wanted


def test_what_no_reader_may_see_is_passed_over(broker: Broker, topic: Topic) -> None:
    """Aborted records and markers are in no row, and a range that ends with them ends."""
    transactions(broker, topic.name, commits=[False, True, False])
    _, end = kafka.offsets(broker.bootstrap, topic.name)[0]

    rows = fetched(broker, topic.name, Range(0, 0, end))

    assert [row["_offset"] for row in rows] == [6, 7, 8, 9, 10]


def test_records_that_are_gone_are_said(broker: Broker, topic: Topic) -> None:
    """A range that begins before what Kafka holds is refused, not begun later."""
    send(broker.bootstrap, topic.name, [b"x"] * 10, partition=0)
    kafka.empty(broker.bootstrap, topic.name)

    with pytest.raises(BrokerError, match=GONE):
        fetched(broker, topic.name, Range(0, 5, 10))


def test_chunks_are_bounded_by_bytes(broker: Broker, topic: Topic) -> None:
    """Large records come a few at a time, however well they pack."""
    send(broker.bootstrap, topic.name, [b"x" * 900_000] * 60, partition=0)

    chunks = [rows.nbytes for rows in Fetch(broker.bootstrap, topic.name)([Range(0, 0, 60)])]

    assert len(chunks) > 4
    assert max(chunks) <= max(CHUNK_BYTES, FIRST_RECORDS * 900_000) + 1_000_000


def transactions(broker: Broker, topic: str, commits: list[bool]) -> None:
    """Transactions of five records each, in partition 0."""
    from confluent_kafka import Producer

    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "transactional.id": topic, "log_level": 0}
    )
    producer.init_transactions(30)
    for is_committed in commits:
        producer.begin_transaction()
        for n in range(5):
            producer.produce(topic, b"%d" % n, partition=0)
        producer.flush(30)
        (producer.commit_transaction if is_committed else producer.abort_transaction)(30)
