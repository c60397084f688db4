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
from support.records import message, otlp_at

from lakehouse import maintenance, store
from lakehouse.decode import HEADERS, Decoded, Limits, decode
from lakehouse.decode.leftover import headers
from lakehouse.errors import CheckpointError
from lakehouse.formats.reading import Reading
from lakehouse.ingest.intake import Decode, stamped
from lakehouse.ingest.queries import REPLAY
from lakehouse.proof.coverage import current
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table
from streaming.repair import replay
from streaming.repair.replay import Replay, replay_quarantine

pytestmark = pytest.mark.slow

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
    return replay_quarantine(lake.places, REPLAY.writers(lake.places), limits, with_)


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


def test_headers_come_back_with_their_record(lake: Lake) -> None:
    """As attributes of the event that it is now; what was without has none."""
    rows = raw_rows([message(event_id="h", timestamp=LATER)], [40], partition=3)
    column = headers.column([[("tenant", b"a"), ("id", b"\xff")]])
    rejects = decode(rows.append_column(HEADERS, column), LIMITS).rejects
    lake.put(stamped(rejects, QUARANTINE.columns, datetime.now(UTC), "q:1"), table=QUARANTINE)

    assert replayed(lake).passed == 3
    found = open_table(lake.places, LOGS).to_pyarrow_table(columns=["event_id", "attributes"])
    (own,) = (row["attributes"] for row in found.to_pylist() if row["event_id"] == "h")
    assert own == [("kafka.header.tenant", "a"), ("kafka.header.id", "/w==")]


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


GOOD, EARLY = "2026-05-01T11:59:00Z", LATER
AS_OTLP = {"web-logs": Reading(format="otlp")}


def as_otlp(raw: pa.RecordBatch, limits: Limits) -> Decoded:
    """A decode that reads each record as a request of OTLP."""
    return decode(raw, limits, AS_OTLP)


def items(lake: Lake, table: Table) -> list[tuple[int, int | None]]:
    """Offset and number in its record of each row that the promise counts, in order."""
    in_logs = table is LOGS
    with current(lake.places) as found:
        rows = found.ask(f"SELECT _offset, _item FROM held WHERE in_logs = {in_logs}")
    return sorted(rows, key=str)


@pytest.fixture
def requests(tmp_path: Any) -> Lake:
    """A lake whose quarantine has two requests of OTLP, refused whole as another format."""
    made = Lake.at(tmp_path / "requests")
    reject(made, [otlp_at(GOOD, EARLY, GOOD), otlp_at(EARLY, EARLY)], first=0)
    return made


def test_events_of_a_record_that_stay_bad_are_rejects_of_their_own(requests: Lake) -> None:
    """The record is in `logs` in part; its other event is open quarantine, and no copy is."""
    assert replayed(requests, LIMITS, as_otlp).passed == 2

    assert items(requests, LOGS) == [(0, 0), (0, 2)]
    assert items(requests, QUARANTINE) == [(0, 1), (1, None)]
    assert replayed(requests, LIMITS, as_otlp) == Replay(looked_at=2, passed=0, capped=0)


def test_an_event_that_stayed_bad_passes_a_later_replay(requests: Lake) -> None:
    """By itself, and under its own number."""
    replayed(requests, LIMITS, as_otlp)
    assert replayed(requests, LENIENT, as_otlp).passed == 3
    assert items(requests, LOGS) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert items(requests, QUARANTINE) == []


def test_a_crash_before_logs_leaves_the_record_open_as_it_was(requests: Lake) -> None:
    """Its rejected event is written first, and counts once its record is in `logs`."""
    writers = REPLAY.writers(requests.places)
    writers[LOGS.name] = Dying(requests.places, LOGS)
    with pytest.raises(Crash):
        replay_quarantine(requests.places, writers, LIMITS, as_otlp)
    assert requests.count(QUARANTINE) == 3
    assert items(requests, QUARANTINE) == [(0, None), (1, None)]

    assert replayed(requests, LIMITS, as_otlp) == Replay(looked_at=2, passed=2, capped=0)
    assert items(requests, LOGS) == [(0, 0), (0, 2)]
    assert items(requests, QUARANTINE) == [(0, 1), (1, None)]
    assert requests.count(QUARANTINE) == 3


class Dying(store.Writer):
    """A writer whose process ends before its commit."""

    def append(self, rows: pa.Table, key: store.Key) -> bool:
        """End."""
        raise Crash
