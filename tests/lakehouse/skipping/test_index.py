"""The skip index beside a table: answers stay what they are, and few files are read for them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.aging import age
from support.asked import rows_at
from support.bucket import Bucket
from support.lakes import Lake

from analytics.web.explore.figures import files
from analytics.web.explore.filters import Filters
from analytics.web.lake.lake import Lake as OpenLake
from cli.checks.lake import CHECKS
from lakehouse import maintenance, past, store
from lakehouse.duck import connect
from lakehouse.erasure.erase import Erasure
from lakehouse.erasure.request import Request
from lakehouse.paths import Places
from lakehouse.query.ask import ask
from lakehouse.query.search import DUCKDB, condition, parse
from lakehouse.settings import Settings, Upkeep
from lakehouse.skipping import choose, keep
from lakehouse.skipping.kept import Kept
from lakehouse.skipping.wanted import of_query
from lakehouse.store.remove import remove_rows
from lakehouse.tables.catalog import LOGS
from streaming.upkeep.upkeep import Done, Pass

pytestmark = pytest.mark.slow

FIRST, HOURS, ROWS = datetime(2026, 5, 1, 18, tzinfo=UTC), 10, 4
NOW = datetime(2026, 5, 3, tzinfo=UTC)
QUERIES = (
    *("needle5", "user:User-7", "trace:T-9", "path:/item/3*", '"order 10000004 NEEDLE"', "nothing"),
    *(
        "-needle5",
        "needle5 OR needle6",
        "needle5 -user:user-5",
        "ip:10.0.0.2",
        "e-0-13",
        "10000004",
    ),
)
STATEMENTS = (
    "SELECT event_id FROM logs WHERE trace_id = 't-9' ORDER BY 1",
    "SELECT user, count(*) FROM logs WHERE user IN ('user-1', 'user-2') GROUP BY 1 ORDER BY 1",
    "SELECT event_id FROM logs WHERE message LIKE '%eedle3 %' ORDER BY 1",
    "SELECT a.event_id FROM logs a JOIN logs b USING (hour) WHERE b.user = 'user-1' ORDER BY 1",
)


def fill(lake: Lake) -> Lake:
    """A file of four rows for each of ten hours over two days, each hour with names of its own."""
    lake.admit()
    writer = store.Writer(lake.places, LOGS)
    for hour in range(HOURS):
        own = {
            "message": f"order {10_000_000 + hour} Needle{hour} is late",
            "trace_id": f"t-{hour}",
            "user": f"user-{hour}",
            "ip": f"10.0.0.{hour}",
            "path": f"/item/{hour}/x",
        }
        offsets = range(hour * ROWS, hour * ROWS + ROWS)
        rows = rows_at(FIRST + timedelta(hours=hour), offsets, **own)
        writer.append(rows, store.Key("app", hour))
    return lake


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with such a lake, and its index."""
    folder = tmp_path_factory.mktemp("first")
    keep.refresh(fill(Lake.at(folder)).places)
    return folder


@pytest.fixture
def indexed(first: Path, tmp_path: Path) -> Lake:
    """A copy of that lake."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    return Lake.at(tmp_path)


def read(lake: Lake, query: str) -> int:
    """How many files are read for a query."""
    logs = store.open_table(lake.places, LOGS)
    pinned = choose.Pinned.of(LOGS.name, lake.places.table(LOGS), logs)
    return choose.files(lake.places, pinned, of_query(parse(query, NOW))).adds.num_rows


def is_the_same(lake: Lake) -> bool:
    """Whether queries find the same in few files as in all, at the newest and older versions."""
    newest = store.open_table(lake.places, LOGS).version()
    return all(_is_the_same(lake, version) for version in {newest, HOURS, HOURS // 2})


def _is_the_same(lake: Lake, version: int) -> bool:
    every = past.state(lake.places, LOGS.name, version=version).pinned(lake.places.table(LOGS))
    with connect() as connection:
        every.create_view(connection, "every")
        for query in QUERIES:
            tree = parse(query, NOW)
            choose.files(lake.places, every, of_query(tree)).create_view(connection, "few")
            of = "SELECT event_id FROM {} WHERE " + condition(tree, DUCKDB) + " ORDER BY 1"
            whole, found = (connection.sql(of.format(view)).fetchall() for view in ("every", "few"))
            if whole != found:
                return False
    return True


def segments(lake: Lake) -> list[Path]:
    """The objects of the index."""
    kept = Kept(lake.places, LOGS.name)
    return [Path(kept.root, name) for name in kept.names()]


def indexed_paths(lake: Lake) -> set[str]:
    """The data files that have an entry."""
    return {f.path for _, head in Kept(lake.places, LOGS.name).readable() for f in head.files}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("needle5", 1),
        ("user:USER-7", 1),
        ("trace:t-9", 1),
        ("ip:10.0.0.2", 1),
        ("10000004", 1),
        ("needle5 OR needle6", 2),
        ("user:user-7 needle5", 0),
        ("user:nobody", 0),
        ("-needle5", HOURS),
        ("level:info", HOURS),
    ],
)
def test_few_files_are_read_for_a_needle(indexed: Lake, query: str, count: int) -> None:
    """Those that have it; all where filters say nothing."""
    assert read(indexed, query) == count


def test_explore_reads_few_files(indexed: Lake) -> None:
    """Of the time that it looks at."""
    snapshot = OpenLake(indexed.places).at()
    filters = Filters(FIRST, FIRST + timedelta(days=2), {}, parse("needle5", NOW))
    assert files(snapshot, filters).adds.num_rows == 1


def test_a_statement_opens_few_files(indexed: Lake) -> None:
    """The others may even be gone."""
    for file in Path(indexed.places.table(LOGS)).rglob("*.parquet"):
        if f"hour={(FIRST + timedelta(hours=9)).hour}/" not in str(file):
            file.unlink()
    assert len(ask(indexed.places, STATEMENTS[0])) == ROWS


def test_statements_answer_the_same(indexed: Lake) -> None:
    """Such as are looked into, and such as are not."""
    found = [ask(indexed.places, sql).to_pylist() for sql in STATEMENTS]
    shutil.rmtree(indexed.places.skip_index(LOGS.name))
    assert [ask(indexed.places, sql).to_pylist() for sql in STATEMENTS] == found
    assert all(found)


def test_answers_stay_the_same_at_every_version(indexed: Lake) -> None:
    """After more rows, an optimize, rows deleted, and files of the newest without an entry."""
    places = indexed.places
    store.Writer(places, LOGS).append(rows_at(FIRST, [50], user="user-7"), store.Key("app", 99))
    assert is_the_same(indexed)
    maintenance.optimize(places, LOGS.name, ["endpoint"])
    assert indexed_paths(indexed) >= {*keep.active_files(places)}
    remove_rows(places, LOGS.name, "user = 'user-5'", {})
    assert is_the_same(indexed)
    maintenance.retain(places, LOGS.name, 1)
    assert is_the_same(indexed)


@pytest.mark.parametrize("change", ["cut", "turned", "empty", "foreign", "gone"])
def test_a_damaged_index_costs_no_row(indexed: Lake, change: str) -> None:
    """Its files are read; `doctor` says it, and an optimize makes it anew."""
    for file in segments(indexed):
        content = file.read_bytes()
        wrong = {
            "cut": content[:-9],
            "turned": content[:-9] + bytes([content[-9] ^ 255]) + content[-8:],
            "empty": b"",
            "foreign": b"logpond skip 2\n\0" + content[16:],
        }
        file.write_bytes(wrong[change]) if change in wrong else file.unlink()
    assert is_the_same(indexed)
    said = CHECKS["skip index"](Settings(), indexed.places)
    assert (said.state, "optimize" in said.remedy) == ("note", True)
    maintenance.optimize(indexed.places, LOGS.name)
    assert read(indexed, "needle5") == 1
    assert CHECKS["skip index"](Settings(), indexed.places).state == "ok"


def test_a_vacuum_takes_entries_with_their_files(indexed: Lake) -> None:
    """Those of files that stay, stay."""
    store.Writer(indexed.places, LOGS).append(rows_at(FIRST, [50]), store.Key("app", 99))
    maintenance.optimize(indexed.places, LOGS.name)
    assert len(indexed_paths(indexed)) == HOURS + 1
    age(indexed, hours=200)
    maintenance.vacuum(indexed.places, LOGS.name)
    assert indexed_paths(indexed) == {*keep.active_files(indexed.places)}


def test_what_is_erased_cannot_be_found(indexed: Lake) -> None:
    """No entry is left of a file that held it; the others have theirs."""
    before = indexed_paths(indexed)
    Erasure(indexed.places, Request(users=("user-5",)))()
    assert len(before - indexed_paths(indexed)) == 1
    keep.refresh(indexed.places)
    assert read(indexed, "user:user-5") == 0
    assert read(indexed, "user:user-6") == 1


def test_a_day_becomes_one_segment(indexed: Lake) -> None:
    """As soon as it is over; entries that a process wrote twice are there once."""
    Kept(indexed.places, LOGS.name).delete(Kept(indexed.places, LOGS.name).names())
    active = keep.active_files(indexed.places)
    for path, size in active.items():
        assert len([*keep.add(indexed.places, {path: size})]) == 1
    for name in Kept(indexed.places, LOGS.name).names()[:3]:  # as if it died before it deleted
        kept = Kept(indexed.places, LOGS.name)
        kept.write(name.partition("/")[0], kept.entries(name))
    keep.merge(indexed.places, active)
    assert [file.parent.name for file in segments(indexed)].count("2026-05-01") == 1
    assert indexed_paths(indexed) == {*active}
    assert read(indexed, "needle5") == 1


def upkeep(lake: Lake, dry_run: bool = False) -> list[Done]:
    """What a pass does with the index."""
    settings = Upkeep(closed_after_minutes=3)
    return [one for one in Pass(lake.places, settings, (LOGS,), dry_run)() if one.what == "index"]


def test_upkeep_makes_it_of_closed_hours(lake: Lake) -> None:
    """Of each once; the hour that is being written is read as it is."""
    fill(lake)
    assert [one.files_before for one in upkeep(lake, dry_run=True)] == [HOURS - 2]
    assert [one.partition for one in upkeep(lake)] == ["date=2026-05-01", "date=2026-05-02"]
    assert upkeep(lake) == []
    assert read(lake, "needle5") == 3
    assert read(lake, f"trace:t-{HOURS - 1}") == 2


def test_it_works_in_a_bucket(bucket: Bucket) -> None:
    """The same files are read, by a listing and two reads a segment."""
    lake = fill(Lake(Places.at(bucket.url)))
    keep.refresh(lake.places)
    assert read(lake, "needle5") == 1
    assert len(ask(lake.places, STATEMENTS[0])) == ROWS
    assert keep.forget(lake.places) == 0
