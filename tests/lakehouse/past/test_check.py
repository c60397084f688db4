"""A ledger that was changed, or lost a part, is not believed."""

from __future__ import annotations

import hashlib
import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from support.lakes import Lake
from support.pasts import Diary

from lakehouse import maintenance, past, store
from lakehouse.errors import TableError
from lakehouse.maintenance.trim import note_commits
from lakehouse.past.check import faults
from lakehouse.past.entry import Entry, linked
from lakehouse.past.ledger import Ledger
from lakehouse.proof.verify import verify
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow


@pytest.fixture
def diary(lake: Lake) -> Diary:
    """Nine commits."""
    made = Diary(lake)
    made.commits(9, timedelta(minutes=15))
    return made


@pytest.fixture
def segments(diary: Diary) -> list[Path]:
    """The objects of its ledger, of three segments, in order."""
    places = diary.lake.places
    for version in (3, 6, 9):
        past.fold(places, "logs", upto=version)
    at = store.open_table(places, LOGS)
    ledger = Ledger(places, "logs", str(at.metadata().id))
    return [Path(ledger.root, one.name) for one in ledger.segments]


def test_one_that_is_as_it_was_written_is_well(diary: Diary, segments: list[Path]) -> None:
    """Also with commits that are not noted yet."""
    diary.commits(2)
    assert (len(segments), faults(diary.lake.places, "logs")) == (3, [])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_byte_that_is_changed_is_named(diary: Diary, segments: list[Path], number: int) -> None:
    """By the object that it is in; nothing is read from there."""
    content, named = segments[number].read_bytes(), []
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 1
        segments[number].write_bytes(bytes(changed))
        named += [segments[number].name in "".join(faults(diary.lake.places, "logs"))]

    assert all(named)
    with pytest.raises(TableError, match="its bytes are others than were written"):
        past.operations(diary.lake.places, "logs", 0, 9)


@pytest.mark.parametrize("number", [0, 1])
def test_an_object_that_is_gone_is_missed(diary: Diary, segments: list[Path], number: int) -> None:
    """By the one that comes after it."""
    segments[number].unlink()
    (fault,) = faults(diary.lake.places, "logs")
    assert segments[number + 1].name in fault


def test_rows_that_no_commit_brought_are_seen(diary: Diary, segments: list[Path]) -> None:
    """What the commits add up to is not what the table has, as an entry was changed since."""
    entry = Path(diary.lake.places.delta_log("logs"), f"{5:020d}.json")
    text = entry.read_text()
    entry.write_text(text.replace('numRecords\\":2', 'numRecords\\":8'))

    assert (len(segments), entry.read_text() == text) == (3, False)
    assert faults(diary.lake.places, "logs") == [
        f"table logs has {diary.now[0] + 6} rows, and its commits add up to {diary.now[0]}"
    ]


def test_verify_says_so(running: Lake) -> None:
    """And the promise does not hold any more, as nobody knows what was changed."""
    past.fold(running.places, "logs")
    before = verify(running.places)
    at = store.open_table(running.places, LOGS)
    ledger = Ledger(running.places, "logs", str(at.metadata().id))
    file = Path(ledger.root, ledger.segments[0].name)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    after = verify(running.places)

    assert (before.ok, before.ledger_faults, after.ok) == (True, [], False)
    assert [file.name in fault for fault in after.ledger_faults] == [True]


def test_a_ledger_of_an_earlier_release_is_read(diary: Diary, segments: list[Path]) -> None:
    """Its segments lack columns that came later; they are whole, and what follows adds to them."""
    last = segments[-1]
    rows = pq.read_table(last).drop_columns(["rule"])
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:16]
    last.with_name(f"{last.name[:42]}{digest}.parquet").write_bytes(buffer.getvalue())
    last.unlink()
    diary.commits(2)
    past.fold(diary.lake.places, "logs")

    assert faults(diary.lake.places, "logs") == []
    assert past.commit_of(diary.lake.places, "logs", 9) == Entry(**rows.to_pylist()[-1])


def test_the_chain_of_an_earlier_release_is_the_same() -> None:
    """What an entry did not have then is not hashed now."""
    entry = Entry(version=1, time=2, operation="WRITE", writer="ingest", batch=3, rows=4)
    before = (
        b'{"version":1,"time":2,"operation":"WRITE","writer":"ingest","batch":3,"rows":4,'
        b'"newest":null,"checksum":0,"change":"","gone":0,"gone_from":null,"gone_checksum":0,'
        b'"kept_from":null}'
    )
    assert linked("", entry) == hashlib.sha256(before).hexdigest()
    assert linked("", replace(entry, rule="service debug")) != linked("", entry)


@pytest.fixture
def proved(running: Lake) -> Lake:
    """A lake of whose `logs` the log has no beginning any more; a proof has the whole ledger."""
    for number in range(900, 903):
        running.batch(number - 898, {0: 9 + number - 899})
    store.open_table(running.places, LOGS).create_checkpoint()
    running.batch(5, {0: 13})
    later = datetime.now(UTC) + timedelta(hours=2)
    maintenance.trim(running.places, LOGS.name, timedelta(days=1), 1, later)
    assert (verify(running.places).ok, Log(running.places, "logs").oldest() > 0) == (True, True)
    return running


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_ledger_that_is_gone_is_missed(proved: Lake, full: bool, all_of_it: bool) -> None:
    """Its one segment, or all of the folder: it is named, and what helps."""
    files = Path(proved.places.commits, "logs").glob("*/*.parquet")
    (segment,) = (file for file in files if "spans" not in file.name)
    if all_of_it:
        shutil.rmtree(proved.places.commits)
    else:
        segment.unlink()
    verdict = verify(proved.places, full)

    assert not verdict.ok
    assert f"{segment.name} is gone" in verdict.ledger_faults[0]


def test_what_a_lost_ledger_knew_is_said_once(proved: Lake) -> None:
    """Upkeep makes it again from the log; the next run says what it lacks, and no later one."""
    shutil.rmtree(proved.places.commits)
    note_commits(proved.places, "logs", datetime.now(UTC) + timedelta(hours=2))
    first, second = verify(proved.places), verify(proved.places)

    oldest = Log(proved.places, "logs").oldest()
    assert (first.ok, second.ok, second.ledger_lost) == (True, True, [])
    assert f"before version {oldest} cannot be read any more" in first.ledger_lost[0]


def test_merged_segments_are_in_place_of_what_was_proved(running: Lake) -> None:
    """Nothing is missed of those that one long one has taken the place of."""
    for number in range(2, 22):
        running.batch(number, {0: 10 + number})
        past.fold(running.places, "logs")
        assert verify(running.places).ok
