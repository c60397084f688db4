"""An append happens once per key, and many processes may write."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.lakes import Lake, events
from support.writers import APPEND_SAME, COMMIT_MANY, run_at_once

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.store import Key, Writer, files
from lakehouse.tables.catalog import LOGS


@dataclass(frozen=True)
class Open:
    """A writer, and an application and a partition of the topic."""

    writer: Writer
    lake: Lake
    own: int = 3

    def key(self, version: int) -> Key:
        """A key of this test's application."""
        return Key(f"app-{self.own}", version)

    def rows(self, *offsets: int, **fields: Any) -> pa.Table:
        """Events of this test's partition."""
        return events(offsets, partition=self.own, **fields)

    def found(self) -> list[int]:
        """The offsets in the table, of this test's partition."""
        return [offset for own, offset in self.lake.coordinates() if own == self.own]


@pytest.fixture
def of(lake: Lake) -> Open:
    """A table of its own."""
    return Open(Writer(lake.places, LOGS), lake)


def test_appends_under_one_application_add_up(of: Open) -> None:
    """Each new key brings its rows; the newest is known."""
    assert of.writer.last(of.key(0).app) is None
    assert [of.writer.append(of.rows(n), of.key(n)) for n in range(2)] == [True] * 2
    assert of.writer.last(of.key(0).app) == 1
    assert of.found() == [0, 1]


def test_a_repeated_key_adds_nothing(of: Open) -> None:
    """The same key, and any older one, are done already."""
    of.writer.append(of.rows(0), of.key(7))

    assert not of.writer.append(of.rows(0), of.key(7))
    assert not of.writer.append(of.rows(1), of.key(3))
    assert of.found() == [0]


def test_applications_count_apart(of: Open) -> None:
    """The same number under another application is another key."""
    of.writer.append(of.rows(0), of.key(7))

    assert of.writer.append(of.rows(1), Key(f"other-{of.own}", 7))
    assert of.found() == [0, 1]


def test_files_are_committed_once(of: Open) -> None:
    """Written files come in by a commit of their key, and only once."""
    root = of.lake.places.table(LOGS)
    written = files.write(LOGS, of.rows(0, 1, 2), root, "part-1")
    assert of.found() == []  # a crash between the files and their commit leaves no row

    assert of.writer.commit(written, of.key(0))
    assert not of.writer.commit(written, of.key(0))
    assert of.found() == [0, 1, 2]


def test_rows_come_back_as_they_were(of: Open) -> None:
    """Values, NULLs, times and partitions are the same when they are read."""
    odd = of.rows(0, user="na\u00efve 'quoted' \u202e\n", response_time=0.1, bytes_sent=2**63 - 1)
    rows = pa.concat_tables([odd, of.rows(1, timestamp="2026-05-01T03:00:00.000001Z")])
    of.writer.append(rows, of.key(0))

    read = store.open_table(of.lake.places, LOGS).to_pyarrow_table()

    own = read.filter(pc.field("_partition") == of.own).select(rows.column_names)
    assert own.sort_by("_offset").to_pylist() == rows.to_pylist()


def test_commits_say_who_and_how_many(of: Open) -> None:
    """The history names the key and the rows of each commit."""
    of.writer.append(of.rows(0, 1, 2), of.key(5))

    newest = store.open_table(of.lake.places, LOGS).history(limit=1)[0]
    assert store.note_of(newest) == {"writer": of.key(5).app, "batch": 5, "rows": 3}


def test_added_column_evolves(lake: Lake) -> None:
    """A writer opened with one column more takes rows that have it."""
    Writer(lake.places, LOGS)
    wide = dataclasses.replace(LOGS, columns=LOGS.columns.append(pa.field("no_field", pa.string())))

    rows = events([0]).append_column("no_field", pa.array(["eu"]))
    Writer(lake.places, wide).append(rows, Key("app", 0))

    found = store.open_table(lake.places, LOGS).to_pyarrow_table(columns=["no_field"])
    assert found["no_field"].to_pylist() == ["eu"]


def test_retyped_column_is_refused(lake: Lake) -> None:
    """No column holds two types."""
    Writer(lake.places, LOGS)
    place = LOGS.columns.get_field_index("user")
    retyped = LOGS.columns.set(place, pa.field("user", pa.int64()))

    with pytest.raises(TableError, match="user"):
        Writer(lake.places, dataclasses.replace(LOGS, columns=retyped))


def test_stale_handles_do_not_conflict(lake: Lake) -> None:
    """Handles opened at the same version both commit, and see each other's keys."""
    one, two = (store.Writer(lake.places, LOGS) for _ in range(2))

    assert one.append(events([0]), Key("one", 0))
    assert two.append(events([1]), Key("two", 0))
    assert not one.append(events([1]), Key("two", 0))
    assert lake.coordinates() == [(0, 0), (0, 1)]


@pytest.mark.faults
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
