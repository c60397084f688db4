"""Open quarantine decoded again: what passes now is in logs, once, from where it came."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from support.aging import day
from support.asked import rows_at
from support.lakes import LIMITS, Lake, raw_rows
from support.records import message

from lakehouse import maintenance, store
from lakehouse.decode import Decoded, Limits, decode
from lakehouse.errors import CheckpointError
from lakehouse.ingest.intake import Decode, stamped
from lakehouse.ingest.queries import REPLAY
from lakehouse.tables.catalog import LOGS, QUARANTINE
from streaming.repair import replay
from streaming.repair.replay import Replay, replay_quarantine

LATER = "2026-05-01T12:30:00Z"
LENIENT = dataclasses.replace(LIMITS, ahead=timedelta(hours=1))


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """A lake with rejects: two of the future, one no JSON, one without a value, one no UTF-8."""
    reject(
        lake,
        [
            message(event_id="a", timestamp=LATER),
            b"oops",
            None,
            b"\xff{}",
            message(event_id="b", timestamp=LATER),
        ],
        first=10,
    )
    return lake


def reject(lake: Lake, values: list[bytes | None], first: int, limits: Limits = LIMITS) -> None:
    """Put payloads into quarantine."""
    raw = raw_rows(values, [*range(first, first + len(values))], partition=3)
    rejects = decode(raw, limits).rejects
    assert rejects.num_rows == len(values)
    lake.put(stamped(rejects, QUARANTINE.columns, datetime.now(UTC), "q:0"), table=QUARANTINE)


def replayed(lake: Lake, limits: Limits = LENIENT, with_: Decode = decode) -> Replay:
    """Decode open quarantine again."""
    return replay_quarantine(lake.places, store.Writer(lake.places, LOGS), limits, with_)


def forgiving(raw: pa.RecordBatch, limits: Limits) -> Decoded:
    """A decode that takes what is no UTF-8 for an event named after its bytes."""
    names = [v and base64.b16encode(v).decode() for v in raw["value"].to_pylist()]
    values = [message(event_id=n) if n and n.startswith("FF") else None for n in names]
    return decode(raw.set_column(0, "value", pa.array(values, pa.binary())), limits)


def test_what_passes_now_is_added(lake: Lake) -> None:
    """The rest stays where it is; nothing is taken out of quarantine."""
    assert replayed(lake) == Replay(looked_at=5, passed=2, capped=0)
    assert lake.coordinates() == [(3, 10), (3, 14)]
    assert lake.count(QUARANTINE) == 5


def test_what_retain_deleted_does_not_come_back(lake: Lake) -> None:
    """Its records look open again, but their dates are over."""
    replayed(lake)
    lake.put(rows_at(day(9), [0]))
    maintenance.retain(lake.places, "logs", days=2)

    assert replayed(lake) == Replay(looked_at=5, passed=0, capped=0)
    assert lake.coordinates() == [(0, 0)]


def test_rows_are_as_ingest_would_have_made_them(lake: Lake) -> None:
    """Original topic, broker time and event; only the commit says that it was a replay."""
    replayed(lake)

    row = store.open_table(lake.places, LOGS).to_pyarrow_table().sort_by("_offset").to_pylist()[0]

    assert (row["event_id"], row["_topic"], row["hour"]) == ("a", "web-logs", 12)
    assert f"{row['_kafka_timestamp']:%H:%M}" == "12:00"
    assert row["_commit"] == f"{REPLAY.name}:0"


def test_a_repeat_adds_nothing(lake: Lake) -> None:
    """What is in logs is open no more."""
    replayed(lake)
    assert replayed(lake) == Replay(looked_at=3, passed=0, capped=0)
    assert lake.count() == 2


def test_nothing_passes_unchanged(lake: Lake) -> None:
    """Without a fix the verdict is what it was, and there is no commit."""
    before = store.create(lake.places, LOGS).version()
    assert replayed(lake, LIMITS).passed == 0
    assert store.open_table(lake.places, LOGS).version() == before


def test_each_replay_has_its_own_key(lake: Lake) -> None:
    """Another fix later brings more, not held back by the first one's commit."""
    replayed(lake)
    assert replayed(lake, with_=forgiving).passed == 1
    assert lake.coordinates() == [(3, 10), (3, 13), (3, 14)]


def test_bytes_come_back_as_they_were(lake: Lake) -> None:
    """A payload that is no UTF-8 is kept as base64, and decoded from its own bytes."""
    replayed(lake, with_=forgiving)
    rows = store.open_table(lake.places, LOGS).to_pyarrow_table(columns=["event_id"])
    assert rows["event_id"].to_pylist() == [base64.b16encode(b"\xff{}").decode()]


def test_capped_payloads_are_counted(lake: Lake) -> None:
    """What was cut short cannot be had back; it stays, and is told."""
    small = dataclasses.replace(LIMITS, payload_cap=20)
    reject(lake, [message(timestamp=LATER), b"\xfe" * 100], first=20, limits=small)

    assert replayed(lake) == Replay(looked_at=7, passed=2, capped=2)


@pytest.mark.slow
def test_many_rows_go_in_parts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by a part; each is a commit, and none is lost at the seams."""
    monkeypatch.setattr(replay, "ROWS_AT_ONCE", 100)
    reject(lake, [message(event_id=str(n), timestamp=LATER) for n in range(5000)], first=100)

    assert replayed(lake).passed == 5002
    assert len(set(lake.coordinates())) == lake.count() == 5002


class Crash(Exception):
    """Stands for the end of the process."""


@pytest.mark.slow
def test_a_crash_between_two_parts_is_mended_by_a_repeat(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was added before stays, and is not added again."""
    reject(lake, [message(event_id=str(n), timestamp=LATER) for n in range(5000)], first=100)
    parts = iter([decode])

    def once_then_die(raw: pa.RecordBatch, limits: Limits) -> Decoded:
        for real in parts:
            return real(raw, limits)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(replay, "ROWS_AT_ONCE", 1000)
        with pytest.raises(Crash):
            replayed(lake, with_=once_then_die)
    added = lake.count()
    replayed(lake)

    assert 0 < added < 5002
    assert len(set(lake.coordinates())) == lake.count() == 5002


def test_two_at_once_are_refused(lake: Lake) -> None:
    """They would add the same rows."""
    with REPLAY.alone(lake.places), pytest.raises(CheckpointError, match="runs already"):
        replayed(lake)


def test_an_empty_lake_has_nothing_open(tmp_path: Any) -> None:
    """Nothing to do is no fault."""
    assert replayed(Lake.at(tmp_path / "new")) == Replay(0, 0, 0)
