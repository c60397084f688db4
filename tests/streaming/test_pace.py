"""A batch brings about the bytes that it may, whatever records weigh, once that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import send
from support.promise import broken
from support.streams import ingest_once, settings

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from streaming.fetch import Fetch
from streaming.pace import (
    FIRST_OFFSETS,
    LEAST_OFFSETS,
    TOLERATED,
    Pace,
    between,
    weighed,
)

MOST = 4 << 20
LARGE, SMALL = 50_000, 400


@given(st.lists(st.integers(1, 1 << 20), min_size=1))
def test_after_a_batch_that_was_too_large_the_next_is_not(means: list[int]) -> None:
    """Records of a backlog that weigh what those before did fit into what is set for them."""
    pace = Pace(1000, MOST, offsets=1000)
    for mean in means:
        pace.is_off = False
        pace.learn(pace.offsets, pace.offsets * mean, 1.0)
        assert pace.offsets * mean <= TOLERATED * MOST
        assert pace.offsets * mean * TOLERATED >= MOST - mean or pace.offsets * TOLERATED >= 1000


def test_a_quiet_topic_changes_nothing() -> None:
    """A few large records, far less than a batch may bring, do not start the query again."""
    pace = Pace(250_000, MOST, offsets=250_000)

    assert not any(pace.learn(3, 3 * 900_000 // 10, 1.0) for _ in range(100))


def paced(waits: int, each: float, seconds: float = 5.0, most: int = 250_000) -> list[int]:
    """The sizes of batches of a backlog whose records take `each` seconds; the first one longer."""
    pace, sizes = Pace(most, 1 << 40, seconds), list[int]()
    pace.begin([], lambda _ranges: iter(()))
    while sum(sizes) < waits:
        taken = min(pace.offsets, waits - sum(sizes))
        pace.learn(taken, taken, taken * each + (0 if sizes else 20))
        pace.begin([], lambda _ranges: iter(()))
        sizes.append(taken)
    return sizes


@given(st.floats(1e-6, 1e-3))
def test_a_backlog_is_taken_in_batches_of_the_time_that_is_set(each: float) -> None:
    """It starts small, and soon is about as large as the time, or the most records, let it."""
    sizes = paced(10_000_000, each)
    wanted = max(LEAST_OFFSETS, min(250_000, int(5 / each)))

    assert sizes[0] == FIRST_OFFSETS
    for size in sizes[4:-1]:
        assert wanted / TOLERATED - 1 <= size <= wanted * TOLERATED + 1


@given(st.lists(st.floats(1e-6, 1e-3), min_size=2))
def test_batches_follow_the_load_of_the_machine(costs: list[float]) -> None:
    """After a batch that took far too long, or far too little, the next one has another size."""
    pace = Pace(250_000, 1 << 40, 5.0)
    pace.begin([], lambda _ranges: iter(()))
    for place, each in enumerate(costs):
        pace.learn(pace.offsets, pace.offsets, pace.offsets * each)
        pace.begin([], lambda _ranges: iter(()))
        if place and pace.offsets > TOLERATED * LEAST_OFFSETS:
            assert pace.offsets * each <= 5 * TOLERATED * 1.01
        is_most = pace.offsets * TOLERATED >= 250_000
        assert is_most or pace.offsets * each * TOLERATED >= 5 * 0.99


def test_a_backlog_is_not_cut_into_batches_of_nothing_but_their_own_cost() -> None:
    """Where a batch of nothing takes long, batches are larger than their time would let them."""
    pace = Pace(250_000, 1 << 40, 5.0, offsets=100_000)
    pace.learn(1, 1, 1.0)

    assert not pace.learn(100_000, 1, 15.0, overhead=10.0)
    assert pace.learn(100_000, 1, 15.0, overhead=1.0)
    assert pace.offsets == LEAST_OFFSETS


def test_a_batch_that_was_not_full_changes_nothing() -> None:
    """A live stream's few records say nothing about a backlog, however long the machine slept."""
    pace = Pace(250_000, 1 << 40, 5.0, offsets=200_000)

    assert not any(pace.learn(2_000, 2_000, seconds) for seconds in (0.1, 60.0, 0.1))
    assert pace.offsets == 200_000


def test_a_first_batch_waits_for_workers_and_is_not_slow() -> None:
    """What it took longer is the start of the program, not its records."""
    pace = Pace(250_000, 1 << 40, 5.0, offsets=100_000)

    assert not pace.learn(100_000, 1, 100.0)
    assert pace.learn(100_000, 1, 100.0)


def test_what_waits_is_weighed_at_places_all_along(broker: Broker, topic: Topic) -> None:
    """Large records behind small ones count, and the other way round."""
    send(broker.bootstrap, topic.name, [b"x" * SMALL] * 500 + [b"x" * LARGE] * 500, partition=0)
    waits = between({topic.name: {0: 0}}, {topic.name: {0: (0, 1000), 1: (0, 0)}})

    found = weighed(waits, 1000, Fetch(broker.connection))

    assert LARGE / 4 < found < LARGE


@pytest.mark.spark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", [[], [b"x" * SMALL] * 4000], ids=["large", "small, then large"])
def test_batches_are_bounded_by_bytes(
    first: list[bytes], broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """A backlog of large records is many batches from the first one on, each record once."""
    send(broker.bootstrap, topic.name, [*first, *[b"x" * LARGE] * 600], partition=0)
    asked = settings(
        broker.bootstrap,
        topic.name,
        tmp_path / "lake",
        ingest_max_offsets=1000,
        ingest_max_batch_bytes=MOST,
    )
    rows = [batch.rows for batch in ingest_once(asked)]

    assert sum(rows) == len(first) + 600
    # of a kind of record that no batch before it had, one may be too large
    heavy = [n for n in rows if n * LARGE > TOLERATED * 2 * MOST]
    assert len(heavy) <= (1 if not first else len(first) // 1000 + 2)
    places = Places.of(asked)
    assert broken(broker.bootstrap, places, topic.name, {0: len(first) + 600, 1: 0}) == []
    assert verify(places).ok
