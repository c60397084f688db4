"""The difference of two versions: rows by what they are, not by the files that they lie in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.aging import three_days
from support.asked import rows_at
from support.lakes import Lake, events
from support.pasts import Diary
from support.windows import Pond, at, logged, tampered

from analytics.look.diff import PartitionChange, diff
from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.tables.catalog import LOGS


def newest(lake: Lake, table: str = "logs") -> int:
    """The newest version of a table."""
    return store.open_table(lake.places, table).version()


def test_appended_rows_by_partition(lake: Lake) -> None:
    """Each hour with its own files and rows."""
    lake.put(events(range(3)))
    lake.put(rows_at(datetime(2026, 5, 2, 7, tzinfo=UTC), range(3, 8)))
    found = diff(lake.places, "logs", 0, 2)

    assert found.partitions == [
        PartitionChange("date=2026-05-01/hour=11", 1, 0, 3, 0),
        PartitionChange("date=2026-05-02/hour=7", 1, 0, 5, 0),
    ]
    assert (found.rows_before, found.rows_after, found.operations) == (0, 8, {"WRITE": 2})


def test_optimize_moves_rows_and_changes_none(lake: Lake) -> None:
    """Files differ, rows do not; what is appended beside it is counted alone."""
    for offset in range(4):
        lake.put(events([offset]))
    before = newest(lake)
    maintenance.optimize(lake.places, "logs")
    alone = diff(lake.places, "logs", before, newest(lake))
    lake.put(events([9]))
    both = diff(lake.places, "logs", before, newest(lake))

    assert (alone.files_removed, alone.files_added, alone.is_moved_only) == (4, 1, True)
    assert (both.rows_added, both.rows_removed, both.is_moved_only) == (1, 0, False)


def test_deleted_dates_are_removed_rows(lake: Lake) -> None:
    """What `retain` deleted, by partition."""
    three_days(lake)
    before = newest(lake)
    maintenance.retain(lake.places, "logs", 3)
    found = diff(lake.places, "logs", before, newest(lake))

    assert [
        (part.partition[:15], part.rows_added, part.rows_removed) for part in found.partitions
    ] == [("date=2026-05-01", 0, 8)]


def test_backwards_is_the_other_way_round(lake: Lake) -> None:
    """What was added is removed."""
    lake.put(events(range(3)))
    lake.put(events(range(3, 8)))
    there, back = diff(lake.places, "logs", 1, 2), diff(lake.places, "logs", 2, 1)

    assert (there.rows_added, there.rows_removed) == (back.rows_removed, back.rows_added) == (5, 0)


@pytest.mark.slow
def test_changed_windows_are_named(lake: Lake) -> None:
    """By start: which keys are new, and which have other numbers."""
    pond = Pond(lake)
    pond.arrive(logged([at(5), at(40)], endpoint=["/a", "/b"]))
    pond.close(at(60))
    before = newest(lake, "traffic")
    pond.arrive(logged([at(6), at(7)], endpoint=["/a", "/new"]))
    pond.reconcile()
    found = diff(lake.places, "traffic", before, newest(lake, "traffic"))

    (window,) = found.windows
    assert (window.window_start, window.keys_added, window.keys_changed) == (at(0), 1, 1)
    assert (window.requests_before, window.requests_after) == (1, 3)


@pytest.mark.slow
def test_a_row_beside_a_changed_one_is_no_change(lake: Lake) -> None:
    """Its file was written anew, its values are the same."""
    pond = Pond(lake)
    pond.arrive(logged([at(5), at(6)], endpoint=["/a", "/b"]))
    pond.close(at(30))
    before = newest(lake, "traffic")
    tampered(lake, "endpoint = '/a'", requests="7")
    found = diff(lake.places, "traffic", before, newest(lake, "traffic"))

    assert (found.rows_added, found.rows_removed) == (1, 1)
    assert [(w.keys_changed, w.requests_after) for w in found.windows] == [(1, 7)]


@pytest.mark.slow
def test_an_added_column_is_no_difference_of_rows(lake: Lake) -> None:
    """Rows are compared by what both versions have."""
    pond = Pond(lake)
    pond.arrive(logged([at(5)]))
    pond.close(at(30))
    before = newest(lake, "traffic")
    from deltalake import Field

    store.open_table(lake.places, "traffic").alter.add_columns([Field("more", "long")])
    found = diff(lake.places, "traffic", before, newest(lake, "traffic"))
    assert (found.rows_added, found.rows_removed, found.files_added) == (0, 0, 0)


@pytest.mark.parametrize(("table", "version"), [("nix", 0), ("logs", 7), ("logs", -1)])
def test_what_is_not_there_is_said(lake: Lake, table: str, version: int) -> None:
    """A table or a version, with what there is instead."""
    lake.put(events([0]))
    with pytest.raises(TableError, match=r"no (table|version)"):
        diff(lake.places, table, 0, version)


def test_repeated_rows_are_counted_each(lake: Lake) -> None:
    """The same row twice is two rows."""
    lake.put(events([1]))
    lake.put(events([1, 1]), "again")
    assert diff(lake.places, LOGS.name, 0, 2).rows_added == 3


@pytest.mark.slow
def test_versions_that_delta_has_not_kept(lake: Lake) -> None:
    """One of them or both: rows are compared as ever, by the ledger, and it is said."""
    diary = Diary(lake)
    diary.commits(130)
    maintenance.optimize(lake.places, "logs")
    diary.trim()

    for before, after in ((5, 60), (60, 120), (97, 98)):
        found = diff(lake.places, "logs", before, after)
        rows = [diary.notes[version][0] for version in (before, after)]
        assert [found.rows_before, found.rows_after] == rows
        assert (found.rows_added, found.rows_removed) == (rows[1] - rows[0], 0)
        assert found.operations == {"WRITE": after - before}
        assert len(found.sources) == 1 + (after < 99)
