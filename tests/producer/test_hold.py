"""A back-fill that is held runs so far ahead of ingest, and no further."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.streams import ingest_once, settings

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.runtime.kafka import Topic
from producer.hold import EVERY, FIRST_PART, PATIENT_LOOKS, Hold, of_ingest

RECORDS = [(b"key", b"value")] * 40_000


class Ingest:
    """Takes `share` of what waits at each look."""

    def __init__(self, share: float) -> None:
        self.sent, self.taken, self.most, self._share = 0, 0, 0, share

    def behind(self) -> int:
        """How many wait, as they are counted."""
        self.most = max(self.most, self.sent - self.taken)
        return self.sent - self.taken

    def pump(self, _seconds: float) -> None:
        """The time in which it takes some."""
        self.taken += 1 + int((self.sent - self.taken) * self._share)


def send(hold: Hold, ingest: Ingest) -> int:
    """Sends all records held; returns how many."""
    for _ in hold(iter(RECORDS), lambda: 0, ingest.pump, lambda: False):
        ingest.sent += 1
    return ingest.sent


@given(st.integers(1, 60_000), st.floats(0.1, 1))
def test_all_is_sent_and_hardly_more_waits_than_may(most: int, share: float) -> None:
    """The bound is looked at every few thousand records."""
    ingest = Ingest(share)
    assert send(Hold(most, ingest.behind), ingest) == len(RECORDS)
    assert ingest.most <= most + EVERY


def test_an_ingest_that_took_nothing_yet_is_waited_for_sooner() -> None:
    """While it starts, a part of the bound is enough for its first batches."""
    ingest = Ingest(1.0)
    send(Hold(20_000, ingest.behind, is_idle=lambda: True), ingest)
    assert ingest.most <= 20_000 // FIRST_PART + EVERY


def test_a_stop_ends_the_wait() -> None:
    """Where ingest never takes anything, a stop still ends the run."""
    looks = iter([False, False, True])
    kept = Hold(10, lambda: 1_000)(iter(RECORDS), lambda: 0, lambda _s: None, lambda: next(looks))
    assert next(kept) == RECORDS[0]


def test_a_long_wait_says_for_whom() -> None:
    """Once: nobody may have started ingest."""
    said, looks = list[str](), iter([False] * (3 * PATIENT_LOOKS) + [True])
    hold = Hold(10, lambda: 1_000)
    kept = hold(iter(RECORDS), lambda: 0, lambda _s: None, lambda: next(looks), said.append)
    assert next(kept) == RECORDS[0]
    (line,) = said
    assert "1,000 records behind: is `logpond stream` running" in line


@pytest.mark.spark
@pytest.mark.broker
def test_what_waits_is_what_no_batch_took(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """All of it before a first start; nothing once ingest has taken it; another topic never."""
    from support.messages import send as send_messages

    send_messages(broker.bootstrap, topic.name, [b"{}"] * 300)
    asked = settings(broker.bootstrap, topic.name, tmp_path / "lake")
    places = Places.of(asked)
    hold = of_ingest(100, places, broker.connection, [topic.name])
    other = of_ingest(100, places, broker.connection, ["no-such-topic"])
    assert hold
    assert other
    assert (hold.behind(), hold.is_idle()) == (300, True)
    assert sum(batch.rows for batch in ingest_once(asked)) == 300
    assert (hold.behind(), hold.is_idle()) == (0, False)
    assert other.behind() == 0
    assert of_ingest(0, places, broker.connection, [topic.name]) is None
