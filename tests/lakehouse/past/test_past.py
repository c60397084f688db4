"""A state that Delta has not kept is read from the rows of now, or refused in words."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from support.asked import answer
from support.importing import Imports, csv_lines, written
from support.lakes import Lake
from support.pasts import Diary, checksum
from support.windows import at, logged

from analytics.look import history
from lakehouse import maintenance, past, store
from lakehouse.errors import TableError
from lakehouse.past import sources
from lakehouse.past.ledger import Ledger
from lakehouse.query.ask import Moment, ask
from lakehouse.query.pinned import nameable
from lakehouse.store.log import Log
from lakehouse.store.remove import remove_rows
from lakehouse.store.tags.naming import name_version
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow
COMMITS = 130
COUNT = "SELECT COUNT(*) AS n FROM logs"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Diary:
    """130 commits of four hours, the hours in order, and only the newest 20 in the log."""
    diary = Diary(Lake.at(tmp_path_factory.mktemp("past")))
    diary.commits(COMMITS)
    maintenance.optimize(diary.lake.places, "logs", ["endpoint"])
    diary.trim()
    return diary


@pytest.fixture
def diary(kept: Diary, tmp_path: Path) -> Diary:
    """The same, to be changed."""
    shutil.copytree(Path(kept.lake.places.lake), tmp_path / "lake")
    made = Diary(Lake.at(tmp_path), dict(kept.notes), kept.now)
    made.pond.batch = kept.pond.batch
    return made


def ledger(diary: Diary) -> Ledger:
    """The ledger of `logs` as it is stored."""
    places = diary.lake.places
    return Ledger(places, "logs", str(store.open_table(places, LOGS).metadata().id))


def test_each_version_is_read_as_it_was(kept: Diary) -> None:
    """Its rows and their checksum, long after the log and the files of then are gone."""
    assert Log(kept.lake.places, "logs").oldest() == 99
    assert kept.differing() == []


def test_delta_answers_while_it_can(kept: Diary) -> None:
    """And the ledger beyond; both say so."""
    lines = [sources.of(ask(kept.lake.places, COUNT, Moment(version=v))) for v in (120, 7)]
    assert lines[0] == ["logs: version 120, as Delta keeps it"]
    assert lines[1][0].startswith("logs: version 7 of ")
    assert lines[1][0].endswith(", from the rows of now by the ledger of commits")


def test_delta_answers_for_a_version_with_a_name(lake: Lake) -> None:
    """Far behind the others that it keeps: also when the ledger would have to refuse."""
    diary = Diary(lake)
    diary.commits(COMMITS)
    named = store.open_table(lake.places, LOGS, version=7)
    name_version(lake.places, "logs", "early", named)
    diary.trim()

    assert Log(lake.places, "logs").oldest() > 90
    assert past.state(lake.places, "logs", version=7).past is None
    assert past.state(lake.places, "logs", version=8).past is not None


def test_statements_see_the_rows_of_then(kept: Diary) -> None:
    """Counted by the ledger, or read."""
    for version in (1, 42, 98):
        rows = kept.notes[version][0]
        assert answer(kept.lake, COUNT, Moment(version=version)) == [{"n": rows}]
        found = answer(kept.lake, "SELECT COUNT(_offset) AS n FROM logs", Moment(version=version))
        assert found == [{"n": rows}]


def test_a_time_gives_the_version_of_then(kept: Diary) -> None:
    """As it does while Delta has it."""
    places = kept.lake.places
    for version in (3, 50, 98):
        when = past.time_of(places, "logs", version)
        found = past.state(places, "logs", as_of=when)
        assert (found.version, found.past is not None) == (version, True)


def test_before_the_first_commit_there_is_nothing(kept: Diary) -> None:
    """It is refused, with the oldest version that the ledger has."""
    with pytest.raises(TableError, match="cannot be read at") as refused:
        past.state(kept.lake.places, "logs", as_of=datetime(2020, 1, 1, tzinfo=UTC))
    assert "its oldest readable version 0 is of" in str(refused.value)


def test_history_has_what_only_the_ledger_knows(kept: Diary) -> None:
    """As far as the limit reaches, marked; and the oldest version is that of the ledger."""
    places = kept.lake.places
    few, every = history.versions(places, "logs", 20), history.versions(places, "logs", 1000)

    assert [one.version for one in every] == [*range(kept.version, -1, -1)]
    assert few == every[:20]
    assert [one.by_ledger for one in every] == [one.version < 99 for one in every]
    assert [one.version for one in every if one.oldest_readable] == [0]
    assert every[-8].what.endswith(" (by the ledger)")
    assert history.oldest(places, "logs") == 0


def test_what_only_the_ledger_reads_cannot_have_a_name(kept: Diary) -> None:
    """It has no files that a name could keep, and it is said how it is read."""
    with pytest.raises(TableError, match="cannot have a name") as refused:
        nameable(kept.lake.places, "logs", Moment(version=3))
    assert "--version 3" in refused.value.remedy
    assert nameable(kept.lake.places, "logs", Moment(version=120)).version() == 120


def test_what_is_read_but_not_restored_is_said_to_be_so(kept: Diary) -> None:
    """With the versions that can be."""
    with pytest.raises(TableError, match="can be read, but not restored") as refused:
        maintenance.restore(kept.lake.places, "logs", 3)
    assert f"to {kept.version} can be restored" in str(refused.value)


def test_totals_are_those_of_the_rows(kept: Diary) -> None:
    """The ledger knows rows and checksum of each state without reading one."""
    for version in (1, 42, 98):
        found = past.state(kept.lake.places, "logs", version=version).past
        assert found
        assert (found.rows, found.checksum) == kept.notes[version]


def test_only_files_of_both_sides_are_looked_into(kept: Diary) -> None:
    """Others are known to be older as a whole, or newer."""
    found = past.state(kept.lake.places, "logs", version=60).past
    assert found
    assert len(found.in_part) <= 2
    assert found.whole


@pytest.mark.nightly
def test_a_ledger_goes_on_where_it_left_off(diary: Diary) -> None:
    """Each commit once, whatever was noted before."""
    diary.commits(60)
    diary.trim()
    diary.commits(70)
    diary.trim()

    versions = ledger(diary).entries(0, 10_000, ("version",))["version"].to_pylist()
    assert versions == [*range(len(versions))]
    assert diary.differing() == []


@pytest.mark.nightly
def test_many_segments_become_one(diary: Diary) -> None:
    """And nothing else changes."""
    for _ in range(20):
        diary.commits(1)
        past.fold(diary.lake.places, "logs")
    found = ledger(diary)

    assert len(found.segments) <= 17
    assert (found.first, found.last) == (0, diary.version)
    assert diary.differing() == []


def test_a_deletion_is_refused_in_words(diary: Diary) -> None:
    """Of states that had a row which is gone; those since then are read."""
    store.remove(diary.lake.places, LOGS, "_offset % 50 = 7", store.Key("by-hand", 0))
    removed = diary.version

    with pytest.raises(TableError, match="rows that it had were deleted at version") as refused:
        diary.read(90)
    assert f"versions {removed} to {removed} can be read" in str(refused.value)
    assert diary.read(removed)[0] < diary.now[0]


@pytest.mark.nightly
def test_what_was_deleted_before_is_no_obstacle(diary: Diary) -> None:
    """States behind a deletion are read when Delta has not kept them either."""
    places, gone = diary.lake.places, "_partition = 0 AND endpoint = '/gone'"
    before = diary.now
    diary.arrive([at(600), at(601)], endpoint="/gone")
    store.remove(places, LOGS, gone, store.Key("by-hand", 0))
    diary.now = before
    diary.note()
    since = diary.version
    diary.commits(150, timedelta(minutes=1))
    diary.trim()

    assert Log(places, "logs").oldest() > since
    with pytest.raises(TableError, match="were deleted"):
        diary.read(since - 1)
    assert diary.differing([v for v in diary.notes if v != since - 1]) == []
    found = past.state(places, "logs", version=since).past
    assert found
    assert (found.rows, found.checksum) == diary.notes[since]


def test_retained_dates_are_left_out_and_it_is_said(diary: Diary) -> None:
    """Rows of the dates that are kept answer; a state that had no others is refused."""
    later = at(0) + timedelta(days=3)
    before = diary.version
    diary.arrive([later, later + timedelta(minutes=1)])
    maintenance.retain(diary.lake.places, "logs", 1)

    with pytest.raises(TableError, match="`retain` has deleted all rows of before"):
        diary.read(before - 60)
    found = past.state(diary.lake.places, "logs", version=before + 1)
    assert found.past is None  # Delta still has it
    diary.commits(150, timedelta(minutes=1))
    diary.trim()
    assert diary.read(before + 1)[0] == 2
    (line,) = sources.of(ask(diary.lake.places, COUNT, Moment(version=before + 1)))
    assert line.endswith("its rows of before 2026-05-01 are deleted since (retain)")


@pytest.mark.nightly
def test_a_replaced_import_is_refused_as_long_as_it_was_there(tmp_path: Path) -> None:
    """States before it came, and since it was replaced, are read."""
    diary = Diary(Lake.at(tmp_path))
    imports, file = Imports(diary.lake), tmp_path / "access.csv"
    diary.commits(5)
    imports.run(written(file, csv_lines(20)))
    there = diary.version
    diary.now = (diary.now[0] + 20, 0)
    diary.commits(5)
    maintenance.optimize(diary.lake.places, "logs")
    imports.run(written(file, csv_lines(30)), replace=True)
    replaced = diary.version
    diary.commits(130)
    maintenance.optimize(diary.lake.places, "logs")
    diary.trim()

    assert diary.differing(range(1, there)) == []
    for version in (there, there + 3):
        with pytest.raises(TableError, match="were replaced by another import"):
            diary.read(version)
    assert diary.read(replaced)[0] == diary.notes[there + 5][0] + 10


def test_a_ledger_that_was_lost_is_made_again(diary: Diary) -> None:
    """From the log and the rows; older states are refused, as nobody knows them any more."""
    shutil.rmtree(diary.lake.places.commits)
    diary.commits(5)
    past.fold(diary.lake.places, "logs")
    diary.commits(150)
    diary.trim()

    first = ledger(diary).first
    assert first == 99
    assert diary.differing([v for v in diary.notes if v >= first]) == []
    with pytest.raises(TableError, match="cannot be read at 50"):
        diary.read(50)


@pytest.mark.nightly
def test_commits_that_nobody_noted_end_what_came_before(diary: Diary) -> None:
    """Where another program has trimmed the log, rows may be gone that nobody knows of."""
    diary.commits(160)
    log = Path(diary.lake.places.delta_log("logs"))
    for version in range(200):
        (log / f"{version:020d}.json").unlink(missing_ok=True)
    diary.commits(120)
    diary.trim()

    with pytest.raises(TableError, match="may be gone: nobody noted what happened"):
        diary.read(50)
    assert diary.differing([v for v in diary.notes if v >= 250]) == []


@pytest.mark.nightly
def test_two_parts_of_one_commit_are_not_told_apart(tmp_path: Path) -> None:
    """A state between them is refused, those around are read."""
    diary = Diary(Lake.at(tmp_path))
    diary.commits(3)
    for part in range(2):
        rows, name = logged([at(10 + part)]), LOGS.columns.get_field_index("_commit")
        rows = rows.set_column(name, LOGS.columns.field(name), pa.array(["ingest:99"]))
        writer = store.Writer(diary.lake.places, LOGS)
        writer.append(rows, store.Key(f"ingest/logs/{part}" if part else "ingest/logs", 99))
        diary.now = diary.now[0] + 1, (diary.now[1] + checksum(rows)) % 2**64
        diary.note()
    diary.pond.batch = 100
    between = diary.version - 1
    diary.commits(120)
    maintenance.optimize(diary.lake.places, "logs")
    diary.trim()

    with pytest.raises(TableError, match="within a commit that was made in two parts"):
        diary.read(between)
    assert diary.differing([v for v in diary.notes if v != between]) == []


def test_a_table_that_is_made_anew_begins_anew(diary: Diary) -> None:
    """Its ledger has nothing of the one before."""
    shutil.rmtree(diary.lake.places.table("logs"))
    fresh = Diary(diary.lake)
    fresh.commits(3)

    assert ledger(fresh).segments == []
    assert past.fold(diary.lake.places, "logs") == 4
    assert fresh.differing() == []


def test_what_was_erased_is_refused_and_the_rest_is_read(diary: Diary) -> None:
    """Also where old versions went with it at once, with the log that had said them."""
    places = diary.lake.places
    diary.commits(2)
    remove_rows(places, "logs", "_commit = 'ingest:40'", {"writer": "erase"})
    erased = diary.version
    maintenance.forget_versions(places, "logs")
    maintenance.forget_log(places, "logs")
    left = diary.read(erased)

    with pytest.raises(TableError, match="were erased on request"):
        diary.read(90)
    assert left[0] == diary.now[0] - 2
    assert diary.differing([5, 10, 20]) == []
