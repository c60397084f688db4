"""An append happens once per key, by either writer; many processes may write through deltalake."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lakes import Lake, events
from writers import APPEND_SAME, COMMIT_MANY, run_at_once

from lakehouse import store
from lakehouse.errors import CheckpointError, TableError
from lakehouse.store import Key, Writer, files
from lakehouse.tables import LOGS, QUARANTINE


@pytest.fixture(params=["deltalake", pytest.param("spark", marks=pytest.mark.spark)])
def chosen(request: pytest.FixtureRequest) -> str:
    """The name of a writer."""
    return str(request.param)


@pytest.fixture
def writer(chosen: str, lake: Lake, request: pytest.FixtureRequest) -> Iterator[Writer]:
    """That writer of `logs`."""
    spark = request.getfixturevalue("spark") if chosen == "spark" else None
    opened = store.writer(chosen, lake.places, LOGS, spark)
    yield opened
    opened.close()


def test_appends_under_one_application_add_up(writer: Writer, lake: Lake) -> None:
    """Each new key brings its rows; the newest is known."""
    assert writer.last("app") is None
    assert [writer.append(events([n]), Key("app", n)) for n in range(3)] == [True] * 3
    assert writer.last("app") == 2
    assert lake.coordinates() == [(0, 0), (0, 1), (0, 2)]


def test_a_repeated_key_adds_nothing(writer: Writer, lake: Lake) -> None:
    """The same key, and any older one, are done already."""
    writer.append(events([0]), Key("app", 7))

    assert not writer.append(events([0]), Key("app", 7))
    assert not writer.append(events([1]), Key("app", 3))
    assert lake.coordinates() == [(0, 0)]


def test_applications_count_apart(writer: Writer, lake: Lake) -> None:
    """The same number under another application is another key."""
    writer.append(events([0]), Key("one", 7))

    assert writer.append(events([1]), Key("two", 7))
    assert lake.coordinates() == [(0, 0), (0, 1)]


def test_files_are_committed_once(writer: Writer, lake: Lake) -> None:
    """Written files come in by a commit of their key, and only once."""
    written = files.write(LOGS, events(range(5)), lake.places.table(LOGS), "part-1")

    assert writer.commit(written, Key("app", 0))
    assert not writer.commit(written, Key("app", 0))
    assert lake.count() == 5


def test_files_without_a_commit_are_no_rows(writer: Writer, lake: Lake) -> None:
    """A crash between the files and their commit leaves nothing that a reader sees."""
    files.write(LOGS, events([0]), lake.places.table(LOGS), "part-1")
    writer.append(events([0]), Key("app", 0))

    assert lake.coordinates() == [(0, 0)]


def test_rows_come_back_as_they_were(writer: Writer, lake: Lake) -> None:
    """Values, NULLs, times and partitions are the same through either writer."""
    rows = events(range(3), user="naïve 'quoted' \u202e\n", response_time=0.1, bytes_sent=2**63 - 1)
    writer.append(rows, Key("app", 0))

    read = store.open_table(lake.places, LOGS).to_pyarrow_table()

    assert read.select(rows.column_names).sort_by("_offset").to_pylist() == rows.to_pylist()


def test_rows_of_several_partitions_lie_in_them(writer: Writer, lake: Lake) -> None:
    """Each row is in the partition of its hour."""
    rows = [events([h], timestamp=f"2026-05-01T{h:02}:30:00Z") for h in range(3)]
    for hour, part in enumerate(rows):
        writer.append(part, Key("app", hour))

    found = store.open_table(lake.places, LOGS).partitions()
    assert sorted(p["hour"] for p in found) == ["0", "1", "2"]


def test_commits_say_who_and_how_many(writer: Writer, lake: Lake) -> None:
    """The history names the key and the rows of each commit."""
    writer.append(events(range(3)), Key("app", 5))

    newest = store.open_table(lake.places, LOGS).history(limit=1)[0]
    assert store.note_of(newest) == {"writer": "app", "batch": 5, "rows": 3}


def test_added_column_evolves(chosen: str, lake: Lake, request: pytest.FixtureRequest) -> None:
    """A writer opened with one column more takes rows that have it."""
    spark = request.getfixturevalue("spark") if chosen == "spark" else None
    store.writer(chosen, lake.places, LOGS, spark).close()
    wide = dataclasses.replace(LOGS, columns=LOGS.columns.append(pa.field("region", pa.string())))
    opened = store.writer(chosen, lake.places, wide, spark)

    opened.append(events([0]).append_column("region", pa.array(["eu"])), Key("app", 0))
    opened.close()

    rows = store.open_table(lake.places, LOGS).to_pyarrow_table(columns=["region"])
    assert rows["region"].to_pylist() == ["eu"]


def test_retyped_column_is_refused(chosen: str, lake: Lake, request: pytest.FixtureRequest) -> None:
    """Neither writer mixes types in a column."""
    spark = request.getfixturevalue("spark") if chosen == "spark" else None
    store.writer(chosen, lake.places, LOGS, spark).close()
    place = LOGS.columns.get_field_index("user")
    retyped = LOGS.columns.set(place, pa.field("user", pa.int64()))

    with pytest.raises(TableError, match="user"):
        store.writer(chosen, lake.places, dataclasses.replace(LOGS, columns=retyped), spark)


@pytest.mark.spark
@pytest.mark.parametrize("chosen", ["deltalake", "spark"])
def test_a_table_of_the_other_writer_is_refused(chosen: str, lake: Lake, spark: Any) -> None:
    """Never both on one table; the error names the setting."""
    other = "spark" if chosen == "deltalake" else "deltalake"
    store.writer(other, lake.places, QUARANTINE, spark).close()

    with pytest.raises(TableError, match=f"committed to by {other}") as error:
        store.writer(chosen, lake.places, QUARANTINE, spark)
    assert f'writer = "{other}"' in error.value.remedy


@pytest.mark.spark
def test_a_second_process_with_spark_on_a_folder_is_refused(lake: Lake, spark: Any) -> None:
    """Spark's commit to a folder is safe in one process only; closing lets the next one in."""
    first = store.writer("spark", lake.places, LOGS, spark)
    with pytest.raises(CheckpointError, match="Spark's writer of logs"):
        store.writer("spark", lake.places, LOGS, spark)
    first.close()
    store.writer("spark", lake.places, LOGS, spark).close()


@pytest.mark.spark
def test_spark_leaves_no_staged_file(lake: Lake, spark: Any) -> None:
    """What it wrote again, and what it staged for that, is gone after the commit."""
    opened = store.writer("spark", lake.places, LOGS, spark)
    opened.append(events([0]), Key("app", 0))
    opened.close()

    live = {Path(uri).name for uri in store.open_table(lake.places, LOGS).file_uris()}
    assert {f.name for f in Path(lake.places.table(LOGS)).rglob("*.parquet")} == live


def test_stale_handles_do_not_conflict(lake: Lake) -> None:
    """Handles opened at the same version both commit, and see each other's keys."""
    one, two = (store.DeltaWriter(lake.places, LOGS) for _ in range(2))

    assert one.append(events([0]), Key("one", 0))
    assert two.append(events([1]), Key("two", 0))
    assert not one.append(events([1]), Key("two", 0))
    assert lake.coordinates() == [(0, 0), (0, 1)]


def test_the_same_key_from_processes_is_committed_once(lake: Lake) -> None:
    """Of three processes that append under the same keys at once, one has each."""
    store.create(lake.places, LOGS)

    outputs = run_at_once(APPEND_SAME, lake.places.lake, 3)

    done = sorted(int(n) for output in outputs for n in output.split())
    assert done == [*range(20)]
    assert lake.coordinates() == [(0, n) for n in range(20)]


@pytest.mark.faults
def test_three_processes_lose_nothing(lake: Lake) -> None:
    """300 commits each through `store`, one of them compacting: all there, once, no failure."""
    store.create(lake.places, LOGS)

    outputs = run_at_once(COMMIT_MANY, lake.places.lake, 3)

    assert outputs == ["300\n"] * 3
    assert lake.coordinates() == [(p, n) for p in range(3) for n in range(300)]
