"""Bad and repeated records harm no other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import records
from support.messages import send
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic

pytestmark = [pytest.mark.broker, pytest.mark.spark]

YEARS_AHEAD = "2031-01-01T00:00:00Z"


def events(count: int) -> Iterator[bytes]:
    """Events of this moment."""
    now = datetime.now(UTC).isoformat()
    return (records.message(event_id=str(uuid.uuid4()), timestamp=now) for _ in range(count))


def test_event_of_the_far_future_harms_no_other(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once
) -> None:
    """One event dated 2031 among 8,000 is in quarantine, and every other one in logs."""
    poison = records.message(timestamp=YEARS_AHEAD)
    for payloads in (events(4000), [poison], events(3999)):
        send(broker.bootstrap, topic.name, payloads)
    asked = settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=1000)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.logs, verdict.quarantine) == (True, 7999, 1)
    with current(Places.of(asked)) as lake:
        assert lake.ask("SELECT reason FROM quarantine") == [("future_timestamp",)]


def test_repeated_events_stay(broker: Broker, topic: Topic, tmp_path: Path, once: Once) -> None:
    """Two records of one event are two rows; `verify` says so, and finds no fault in it."""
    twice = [*events(500)] * 2
    send(broker.bootstrap, topic.name, twice)
    asked = settings(broker.bootstrap, topic.name, tmp_path)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.logs, verdict.duplicates) == (True, 1000, 0)
    assert verdict.duplicate_event_ids == 500
