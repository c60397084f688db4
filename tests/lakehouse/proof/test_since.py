"""What was proved stays proved: a run since a proof says what a recount of everything says."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pytest
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType
from support.altered import data_files, flip, flipped, rewrite_with_size
from support.bucket import Bucket
from support.importing import Imports, csv_lines, written
from support.lakes import Lake, events
from support.records import LIMITS, message
from support.windows import Pond, at

from lakehouse import maintenance, past, store
from lakehouse.decode import RAW, Decoded, Limits, decode
from lakehouse.erasure.erase import Erasure
from lakehouse.erasure.request import Request
from lakehouse.errors import TableError
from lakehouse.ingest.absent import Absent, Stretch, noted
from lakehouse.ingest.queries import REPLAY
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.paths import Places
from lakehouse.proof.stamps import stamps
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.store import objects
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import TRAFFIC
from streaming.repair.replay import replay_quarantine

pytestmark = pytest.mark.slow


def each_ten_minutes(name: str, offset: int) -> bytes:
    """The payload of a record."""
    return message(event_id=name, timestamp=at(10 * offset).isoformat())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty records of a topic, one invisible, and five of a file; windows up to eight. Proved."""
    folder = tmp_path_factory.mktemp("first")
    lake = Lake.at(folder)
    lake.payload = each_ten_minutes
    lake.admit()
    stretch = [Stretch(lake.topic.name, 0, 20, 20)]
    Absent(lake.places).note("invisible", "a", noted(stretch))
    lake.batch(0, {0: 33}, bad={1})
    store.open_table(lake.places, "logs").delete("_offset = 20")
    lake.batch(1, {0: 60}, bad={40})
    Imports(lake).run(written(folder / "a.csv", csv_lines(5)))
    Pond(lake).close(at(8 * 60))
    verdict = verify(lake.places)
    assert (verdict.ok, verdict.proof.why) == (True, "nothing was proved before")
    return folder


@pytest.fixture
def proved(first: Path, tmp_path: Path) -> Lake:
    """A copy of it."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    lake = Lake.at(tmp_path)
    lake.payload = each_ten_minutes
    return lake


def compared(lake: Lake) -> Verdict:
    """What a run since the proof says, which is what a recount says."""
    since, full = verify(lake.places), verify(lake.places, full=True)
    assert full.proof.is_full
    assert replace(since, duplicate_event_ids=0) == replace(full, duplicate_event_ids=0)
    return since


def test_nothing_is_read_again(proved: Lake) -> None:
    """A copy has other times and numbers: its files are hashed, and the next time not even that."""
    before = verify(proved.places)
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.records, verdict.proof.number) == (True, 64, 2)
    assert before.proof.hashed == before.proof.files_before + before.proof.hashed
    assert (verdict.proof.rows_before, verdict.proof.rows, verdict.proof.windows) == (64, 0, 0)


def more(lake: Lake) -> None:
    """Ten records, one of them refused."""
    lake.batch(2, {0: 70}, bad={65})


def replayed(lake: Lake) -> None:
    """Rejects that are events by now."""

    def milder(raw: pa.RecordBatch, limits: Limits) -> Decoded:
        good = [each_ten_minutes(f"e-{n}", n) for n in raw["_offset"].to_pylist()]
        return decode(raw.set_column(0, RAW.field(0), pa.array(good)), limits)

    replay_quarantine(lake.places, REPLAY.writers(lake.places), LIMITS, milder)


def imported(lake: Lake) -> None:
    """Another file."""
    Imports(lake).run(written(Path(lake.places.lake, "..", "b.csv"), csv_lines(7, bad=[2])))


def late(lake: Lake) -> None:
    """Rows for windows that are closed."""
    lake.payload = lambda name, offset: each_ten_minutes(name, offset - 40)
    lake.batch(2, {0: 63})


def erased(lake: Lake) -> None:
    """All rows of an address, on request."""
    Erasure(lake.places, Request(addresses=("192.0.2.3",)), {})()


ADDED: dict[str, Callable[[Lake], object]] = {
    "a batch": more,
    "a batch in flight": lambda lake: lake.batch(2, {0: 70}, bad={65}, crash="logs"),
    "a batch, compacted": lambda lake: (more(lake), maintenance.optimize(lake.places, "logs")),
    "windows": lambda lake: Pond(lake).close(at(9 * 60)),
    "a file": imported,
    "late rows": late,
    "late rows, counted": lambda lake: (late(lake), verify(lake.places), Pond(lake).reconcile()),
    "a window that was lost, and made": lambda lake: (
        store.open_table(lake.places, TRAFFIC.name).delete("date = '2026-04-29'"),
        Pond(lake).reconcile(),
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_was_added_is_all_that_is_looked_at(proved: Lake, name: str) -> None:
    """Rows, in their own files or others, and windows."""
    ADDED[name](proved)
    since = compared(proved)
    assert (since.ok, since.proof.is_full) == (True, False)


def again(lake: Lake) -> None:
    """The same file, loaded anew."""
    (path,) = RawZone(lake.places).paths()
    Imports(lake).run(Path(path), again=True)


def retained(lake: Lake) -> None:
    """Rows of four days before, which are proved, are gone."""
    lake.payload = lambda name, offset: each_ten_minutes(name, offset - 600)
    lake.batch(2, {0: 63})
    assert verify(lake.places).ok
    maintenance.retain(lake.places, "logs", days=1)


OTHERWISE: dict[str, tuple[Callable[[Lake], object], str]] = {
    "retain": (retained, "rows of table logs"),
    "a replay": (replayed, "rows of table logs"),
    "a file again": (again, "a.csv was imported again since"),
    "an erasure": (erased, "rows of table logs"),
    "a column more": (
        lambda lake: store.open_table(lake.places, "logs").alter.add_columns(
            Field("more", PrimitiveType("string"))
        ),
        "table logs has other columns",
    ),
    "another table": (
        lambda lake: (
            shutil.copytree(lake.places.table("logs"), f"{lake.places.lake}/old"),
            shutil.rmtree(lake.places.table("logs")),
            write_deltalake(
                lake.places.table("logs"),
                DeltaTable(f"{lake.places.lake}/old").to_pyarrow_table(),
                partition_by=[*LOGS.partition_by],
            ),
        ),
        "table logs is another one",
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_is_no_addition_is_recounted(proved: Lake, name: str) -> None:
    """All of it, and it is said why; the next run builds on that."""
    change, why = OTHERWISE[name]
    change(proved)
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.proof.is_full) == (True, True)
    assert why in verdict.proof.why
    after = verify(proved.places)
    assert (after, after.proof.is_full) == (verdict, False)


def less(lake: Lake) -> None:
    """A row of the newest file of `logs` is not in it any more."""
    rewrite_with_size(lake, lambda rows: rows.slice(1), newest_file(lake))


def fewer(lake: Lake) -> None:
    """A compaction that loses a row; the table's log agrees."""
    maintenance.optimize(lake.places, "logs")
    less(lake)


def shifted(lake: Lake) -> None:
    """A compaction that has a row twice, and another one not."""
    maintenance.optimize(lake.places, "logs")
    rewrite_with_size(
        lake, lambda rows: pa.concat_tables([rows.slice(1), rows.slice(1, 1)]), newest_file(lake)
    )


def newest_file(lake: Lake) -> str:
    """The name of a file of `logs` that no proof has, as it came by the newest commit."""
    adds = store.data_files(store.open_table(lake.places, "logs"))
    there = max(adds.to_pylist(), key=lambda add: add["modification_time"])
    return Path(there["path"]).name


BROKEN: dict[str, tuple[Callable[[Lake], object], str]] = {
    "a compaction that loses a row": (fewer, "gaps"),
    "a compaction that has a row twice": (shifted, "duplicates"),
    "a version before": (lambda lake: maintenance.restore(lake.places, "logs", 1), "gaps"),
    "a row of a new batch less": (
        lambda lake: (
            more(lake),
            rewrite_with_size(lake, lambda rows: rows.slice(1), newest_file(lake)),
        ),
        "gaps",
    ),
    "a row twice": (lambda lake: lake.put(events([62])) or more(lake), "duplicates"),
    "a window forged": (
        lambda lake: store.open_table(lake.places, TRAFFIC.name).update(
            updates={"requests": "99"}, predicate="granularity = '30m'"
        ),
        "windows_wrong",
    ),
    "a new window forged": (
        lambda lake: (
            Pond(lake).close(at(9 * 60)),
            store.open_table(lake.places, TRAFFIC.name).update(
                updates={"requests": "99"},
                predicate="granularity = '30m' AND window_start >= '2026-04-29T08:30:00Z'",
            ),
        ),
        "windows_wrong",
    ),
    "notes that are gone": (lambda lake: shutil.rmtree(lake.places.absent), "gaps"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_since_is_found(proved: Lake, name: str) -> None:
    """As by a recount; and nothing is proved by it."""
    change, fault = BROKEN[name]
    change(proved)
    since = compared(proved)
    assert (since.ok, getattr(since, fault) > 0) == (False, True)
    assert (since.proof.noted, since.proof.not_noted) == (None, "something is wrong")


@pytest.mark.parametrize("table", ["logs", "quarantine", "traffic"])
def test_a_byte_of_a_proved_file_is_named(proved: Lake, table: str) -> None:
    """Though its size and its time are as before; by a recount, too."""
    file = data_files(proved, table)[0]
    flip(file)
    for full in (False, True):
        with pytest.raises(TableError, match=file.name):
            verify(proved.places, full=full)


def test_the_times_of_a_file_tell_what_a_byte_is_of(proved: Lake) -> None:
    """Whatever is done with the time that can be set: the other one cannot."""
    file = data_files(proved, "logs")[0]
    path = str(file.relative_to(proved.places.table("logs")))
    before = stamps(proved.places, "logs", [path])[path]
    time.sleep(0.05)  # the clock of a file system stands still for some milliseconds
    flip(file)
    after = stamps(proved.places, "logs", [path])[path]
    assert (before.written, before.size) == (after.written, after.size)
    assert before.changed < after.changed


def proofs(lake: Lake) -> list[Path]:
    """The proofs of a lake, the newest last."""
    return sorted(Path(lake.places.proofs).iterdir())


def test_any_byte_of_a_proof_is_named(proved: Lake) -> None:
    """Nothing is built on it; the next one is whole."""
    for _ in range(2):
        verify(proved.places)
    newest = proofs(proved)[-1]
    flip(newest, len(newest.read_bytes()) // 2)
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.proof.is_full, newest.name in verdict.proof.why) == (
        True,
        True,
        True,
    )
    assert not verify(proved.places).proof.is_full


def test_a_proof_that_is_gone_is_made_again(proved: Lake) -> None:
    """Of two the older one counts; without any all is counted."""
    verify(proved.places)
    proofs(proved)[-1].unlink()
    assert verify(proved.places).proof.number == 1
    shutil.rmtree(proved.places.proofs)
    assert verify(proved.places).proof.why == "nothing was proved before"


def test_an_older_copy_beside_a_newer_proof_is_counted(proved: Lake, first: Path) -> None:
    """It has not what the proof says."""
    more(proved)
    assert verify(proved.places).ok
    for part in ("logs", "quarantine", "_checkpoints"):
        shutil.rmtree(f"{proved.places.lake}/{part}")
        shutil.copytree(first / "lake" / part, f"{proved.places.lake}/{part}")
    verdict = verify(proved.places)
    assert (verdict.ok, verdict.records, verdict.proof.is_full) == (True, 64, True)
    assert "it has version" in verdict.proof.why


def test_two_at_once_leave_proofs_that_are_right(proved: Lake) -> None:
    """Whichever of one number counts."""
    more(proved)
    with ThreadPoolExecutor(2) as threads:
        found = [*threads.map(verify, [proved.places] * 2)]
    assert [(one.ok, one.proof.noted) for one in found] == [(True, 2)] * 2
    assert verify(proved.places).proof.number == 2


def test_a_segment_of_the_ledger_that_was_counted_is_still_hashed(proved: Lake) -> None:
    """A byte of it is named."""
    past.fold(proved.places, "logs")
    assert verify(proved.places).ok
    (segment,) = Path(proved.places.commits_of("logs")).glob("*/*-0*-*.parquet")
    flip(segment)
    verdict = verify(proved.places)
    assert (verdict.ok, [segment.name in one for one in verdict.ledger_faults]) == (False, [True])


def test_a_lake_in_a_bucket_is_proved_by_tags(bucket: Bucket) -> None:
    """An object that was written again is no fault; with other rows, or gone, it is named."""
    lake = Lake(Places(bucket.url, f"{bucket.url}/_checkpoints"))
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    assert verify(lake.places).proof.noted == 1
    lake.batch(1, {0: 9})
    maintenance.optimize(lake.places, "logs")
    verdict = compared(lake)
    assert (verdict.ok, verdict.proof.is_full, verdict.records) == (True, False, 9)

    at, (path,) = objects.store(lake.places.table("logs")), paths(lake)
    content = objects.get(at, path) or b""
    objects.put(at, path, content)
    assert not verify(lake.places).proof.is_full
    objects.put(at, path, flipped(content, len(content) // 4))
    with pytest.raises(TableError, match=Path(path).name):
        verify(lake.places)
    objects.delete(at, path)
    with pytest.raises(TableError, match=Path(path).name):
        verify(lake.places)


def paths(lake: Lake) -> list[str]:
    """The data files of `logs`."""
    adds = store.data_files(store.open_table(lake.places, "logs"))
    return [unquote(path) for path in adds["path"].to_pylist()]
