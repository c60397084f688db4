"""What is erased is in no file of the lake, `verify` counts it, and nothing brings it back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.bucket import Bucket
from support.lakes import Lake
from support.personal import (
    BY_FIELD,
    BY_TEXT,
    IP,
    RECORDS,
    REJECTED,
    USER,
    holding,
    imported,
    inhabited,
    payload,
)
from support.records import message

from cli.erasers import OTHERS
from lakehouse import store
from lakehouse.erasure.erase import Erasure, Place
from lakehouse.erasure.places import HANDLERS
from lakehouse.erasure.request import Request
from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.queries import IMPORT, INGEST, MINUTES
from lakehouse.paths import HOLDS, Places
from lakehouse.proof.verify import verify
from lakehouse.settings import CONF
from lakehouse.store.tags.naming import name_version
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES
from streaming.repair.recover import recover

pytestmark = pytest.mark.slow

CHILD = Path(__file__).parents[2] / "support" / "erase_child.py"
REQUEST = Request(users=(USER,), addresses=(IP,))
GONE = len(BY_FIELD | BY_TEXT | REJECTED)
# The others are as these, and take as long: they run at night.
DAILY = ("noted", "logs", "windows", "files of logs", "log of logs")
STEPS = (
    *("begun", "noted", "quarantine", "logs", "windows", "incidents"),
    *(f"{what} of {table}" for table in ("logs", "usage") for what in ("files", "log")),
    "texts",
)


def erasure(lake: Lake, request: Request = REQUEST) -> Erasure:
    """As the command makes it."""
    return Erasure(lake.places, request, OTHERS)


def counts(found: list[Place]) -> dict[str, int]:
    """How many of each place, without files of older versions, which become more meanwhile."""
    now = [each for each in found if "older" not in each.what]
    return {each.place: sum(e.count for e in now if e.place == each.place) for each in now}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake that holds the person in each of its places."""
    folder = tmp_path_factory.mktemp("first")
    inhabited(Lake.at(folder))
    return folder


@pytest.fixture
def lived(first: Path, tmp_path: Path) -> Lake:
    """A copy of that lake."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    return Lake.at(tmp_path)


def test_the_builder_is_right(lived: Lake) -> None:
    """The person is in rows, logs, older files, texts; `verify` is content."""
    places = {
        Path(file).parts[len(Path(lived.places.lake).parts)] for file in holding(lived.places)
    }
    assert places == {"logs", "quarantine", "usage", "anomalies", "_checkpoints", "_state"}
    assert verify(lived.places).ok


def test_nothing_is_left_in_any_file(lived: Lake) -> None:
    """In no decoded content of the folder, no entry of a log, no bound of a file."""
    erasure(lived)()
    assert holding(lived.places) == []
    assert erasure(lived).found() == []


def test_verify_counts_what_was_erased(lived: Lake) -> None:
    """And finds no fault: rows of others and their windows are there."""
    erasure(lived)()
    found = verify(lived.places)
    assert (found.ok, found.erased, found.windows_wrong) == (True, GONE, 0)
    assert found.records == RECORDS - GONE
    assert lived.count(QUARANTINE) == 1
    assert lived.coordinates() == [(0, n) for n in range(RECORDS) if n not in _gone() | {5}]


def _gone() -> set[int]:
    return BY_FIELD | BY_TEXT | REJECTED


def test_a_dry_run_names_places_and_changes_nothing(lived: Lake) -> None:
    """With as many as are erased then."""
    before = {file: Path(file).stat().st_mtime_ns for file in holding(lived.places)}
    found = erasure(lived).found()
    assert {file: Path(file).stat().st_mtime_ns for file in holding(lived.places)} == before
    would, did = counts(found), counts(erasure(lived)())
    named = ("logs", "quarantine", "anomalies", "mutes", "actions", "alerts", "unsent", "labels")
    assert [would.get(name) for name in named] == [did.get(name) for name in named]
    assert {*named} <= {*would}


def test_boards_stay_but_for_what_cannot(lived: Lake) -> None:
    """Words on one are replaced; one that is no JSON, or has such a name, goes."""
    found = counts(erasure(lived)())
    assert (found["boards"], found["questions"]) == (3, 1)
    (left,) = Path(lived.places.boards).iterdir()
    assert json.loads(left.read_bytes()) == {"title": "of [erased]"}


def test_a_repeat_finds_nothing(lived: Lake) -> None:
    """And leaves each table as it is."""
    erasure(lived)()
    before = [store.open_table(lived.places, name).version() for name in (LOGS, QUARANTINE)]
    assert erasure(lived)() == []
    assert [store.open_table(lived.places, name).version() for name in (LOGS, QUARANTINE)] == before


SPELLINGS = (
    *("2001:db8::7", "2001:DB8:0:0:0:0:0:7", "2001:0db8::0007", "2001:db8::8"),
    *("192.0.2.1", "::ffff:192.0.2.1", "::FFFF:C000:201", "192.0.2.11"),
)


def _spelt(name: str, offset: int) -> bytes:
    """Records of an address by field, by text, and refused ones."""
    given = SPELLINGS[offset % len(SPELLINGS)]
    if offset < len(SPELLINGS):
        return message(event_id=name, ip=given)
    if offset < 2 * len(SPELLINGS):
        return message(event_id=name, ip="", path=f"/?from=[{given}]:443")
    return f'{{"ip": "{given}", broken'.encode()


@pytest.mark.parametrize("asked", [SPELLINGS[0:7:4], SPELLINGS[1:7:4], SPELLINGS[2:7:4]])
def test_an_address_goes_in_whichever_spelling(lake: Lake, asked: tuple[str, ...]) -> None:
    """As a field, in texts, and in what was refused; others stay."""
    lake.payload = _spelt
    lake.admit()
    lake.batch(0, {0: 3 * len(SPELLINGS)})
    gone = erasure(lake, Request(addresses=asked))
    assert [each.count for each in gone.found()][:3] == [6, 6, 6]
    gone()
    assert (gone.found(), lake.count(LOGS), lake.count(QUARANTINE)) == ([], 4, 2)
    assert holding(lake.places, SPELLINGS[:3] + SPELLINGS[4:7]) == []


def test_rows_of_a_query_go_and_no_others(lived: Lake) -> None:
    """Their records do not look lost."""
    erasure(lived, Request(where="timestamp:>=2026-05-01T12:01:00Z"))()
    found = verify(lived.places)
    assert (found.ok, found.erased) == (True, 1)


@pytest.mark.parametrize(
    "step", [pytest.param(s, marks=[] if s in DAILY else pytest.mark.nightly) for s in STEPS]
)
def test_a_kill_at_any_step_is_made_good(lived: Lake, step: str) -> None:
    """By the same call again; meanwhile no record is missed."""
    order = {"die_at": step, "lake": lived.places.lake, "users": [USER], "addresses": [IP]}
    env = {**os.environ, "PYTHONPATH": f"{CONF.parent}:{CHILD.parents[1]}"}
    command = [sys.executable, str(CHILD), json.dumps(order)]
    ended = subprocess.run(
        command, env=env, text=True, capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    meanwhile = verify(lived.places)
    erasure(lived)()
    found = verify(lived.places)
    assert (meanwhile.gaps, meanwhile.duplicates, meanwhile.unexpected) == (0, 0, 0)
    assert (found.ok, found.erased, holding(lived.places)) == (True, GONE, [])


def test_a_recovery_does_not_ask_for_them(lived: Lake) -> None:
    """Nothing is missing, so it starts where the tables end."""
    erasure(lived)()
    writers = {t.name: store.Writer(lived.places, t) for t in (QUARANTINE, LOGS)}
    first = {lived.topic.name: {0: 0}}
    done = recover(lived.places, "ingest", [lived.topic], first, writers, (QUARANTINE, LOGS), 1)
    assert done.start[lived.topic.name] == {0: RECORDS}


def test_the_same_file_does_not_bring_them_back(lake: Lake, tmp_path: Path) -> None:
    """Neither as rows nor as a copy; its other records are there."""
    imports = imported(lake, tmp_path)
    erasure(lake)()
    assert imports.done(tmp_path / "a.csv", again=True) == ["replaced"]
    found = verify(lake.places)
    assert (found.ok, found.erased, found.records, lake.count()) == (True, 1, 4, 4)
    assert holding(lake.places) == []


def test_a_dry_run_of_a_query_names_what_follows(lake: Lake, tmp_path: Path) -> None:
    """Windows to count again, older versions, and the copy of the file, which it does not name."""
    imported(lake, tmp_path)
    wanted = erasure(lake, Request(where=f"ip:{IP}"))
    found = {each.place: each.count for each in wanted.found() if "older" not in each.what}
    assert found["traffic, usage, logs_windowed"] == found["raw"] == 1
    assert any("older versions" in each.what for each in wanted.found())
    assert "raw" in {each.place for each in wanted()}
    assert wanted.found() == []


def test_a_running_stream_goes_on(lived: Lake) -> None:
    """Where ingest and detection hold their locks."""
    with INGEST.alone(lived.places), MINUTES.alone(lived.places):
        erasure(lived)()
    assert (verify(lived.places).ok, holding(lived.places)) == (True, [])


def test_a_batch_that_was_planned_is_erased_too(lived: Lake) -> None:
    """It is committed first, as its stream would."""
    lived.payload = lambda name, _offset: payload(name, 0)
    lived.batch(2, {0: RECORDS + 2}, crash="planned")
    erasure(lived)()
    lived.complete(2)
    assert (verify(lived.places).ok, holding(lived.places)) == (True, [])


def test_files_that_a_batch_has_left_go(lived: Lake) -> None:
    """What nobody will commit, and no version knows; beside a stream only after a while."""
    old = next(file for file in holding(lived.places) if "/logs/date" in file)
    stray = Path(lived.places.table(LOGS), "stray.parquet")
    stray.write_bytes(Path(old).read_bytes())
    with INGEST.alone(lived.places):
        erasure(lived)()
    meanwhile = stray.exists()
    erasure(lived)()
    assert (meanwhile, stray.exists()) == (True, False)


def test_files_that_an_erasure_wrote_are_looked_into(lived: Lake) -> None:
    """Texts come out of them in another form of Arrow; what holds nothing stays."""
    erasure(lived)()
    strays = list[Path]()
    for file in Path(lived.places.table(LOGS)).glob("date=*/*/*.parquet"):
        assert "string_view" in str(pq.read_schema(file))
        strays.append(file.with_name(f"stray-{file.name}"))
        strays[-1].write_bytes(file.read_bytes())
    assert (erasure(lived).found(), erasure(lived)()) == ([], [])
    assert strays
    assert all(stray.exists() for stray in strays)


def test_beside_an_import_it_is_refused(lived: Lake) -> None:
    """It may be about to commit rows."""
    with IMPORT.alone(lived.places), pytest.raises(CheckpointError):
        erasure(lived)()
    assert holding(lived.places)


def test_a_name_keeps_no_version_of_it(lived: Lake) -> None:
    """A version that has one is kept by every vacuum but this."""
    name_version(lived.places, LOGS.name, "before", store.open_table(lived.places, LOGS))
    assert "names of older versions" in str(erasure(lived).found())
    erasure(lived)()
    assert Tags(lived.places).of(LOGS.name) == []
    assert (verify(lived.places).ok, holding(lived.places)) == (True, [])


def test_what_is_noted_names_nobody(lived: Lake) -> None:
    """Coordinates alone, each once."""
    erasure(lived)()
    noted = Absent(lived.places).erased()
    assert sorted(noted["_offset"].to_pylist()) == sorted(_gone())


def test_each_place_is_known() -> None:
    """A new one says what it holds; what holds something has who erases it."""
    members = {n for n in dir(Places) if not n.startswith("_") and n not in ("of", "at")}
    members -= {"lake", "checkpoints", "durability", "lease_seconds", "fence"}
    assert {*HOLDS} == members
    by_handlers = {member for handler in (*HANDLERS, *OTHERS) for member in handler.members}
    holding_something = {name for name, what in HOLDS.items() if what in ("rows", "texts")}
    assert holding_something == by_handlers | {"table", "delta_log"}


def test_each_table_is_looked_into(lived: Lake) -> None:
    """Older versions of each go, and so do strays in its folder."""
    assert {*erasure(lived)._tables()} == {*TABLES}


def test_it_is_erased_in_a_bucket_too(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there, and what this machine keeps of it."""
    monkeypatch.chdir(tmp_path)
    lake = inhabited(Lake(Places.at(bucket.url)))
    erasure(lake)()
    assert (verify(lake.places).ok, holding(lake.places)) == (True, [])
