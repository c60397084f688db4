"""Tables and their versions are told by the log alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.lakes import Lake, events

from analytics.look import history
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.store.log import oldest_readable
from lakehouse.tables.catalog import LOGS


def commits(*versions: int) -> list[str]:
    """Names of commits in a log."""
    return [f"{v:020d}.json" for v in versions]


def checkpoint(version: int) -> str:
    """Name of a checkpoint in a log."""
    return f"{version:020d}.checkpoint.parquet"


def test_versions_come_newest_first_with_the_rows_they_added(lake: Lake) -> None:
    """Rows out of the note of `store`; the creation added none that it says."""
    lake.put(events(range(3)), "first")
    lake.put(events(range(3, 8)), "second")
    found = history.versions(lake.places, "logs", limit=20)
    assert [(v.version, v.rows, v.oldest_readable) for v in found] == [
        (2, 5, False),
        (1, 3, False),
        (0, None, True),
    ]
    assert (found[0].writer or "").startswith("second")
    assert found[0].time
    assert found[2].time
    assert found[0].time > found[2].time


def test_a_limit_is_kept(lake: Lake) -> None:
    """Only the newest are read: older commits may be broken."""
    for number in range(4):
        lake.put(events([number]))
    store.open_table(lake.places, LOGS).create_checkpoint()
    broken = Path(lake.places.table("logs")) / "_delta_log" / f"{2:020d}.json"
    broken.write_text("oops")
    assert [v.version for v in history.versions(lake.places, "logs", limit=2)] == [4, 3]


def test_rows_fall_back_to_the_metrics_of_the_writer(lake: Lake) -> None:
    """A table written by others says its rows in its own way."""
    write_deltalake(lake.places.table("other"), pa.table({"x": [1, 2, 3]}))
    assert history.versions(lake.places, "other", limit=1)[0].rows == 3


@pytest.mark.parametrize(
    ("names", "oldest"),
    [
        (commits(0, 1, 2), 0),
        ([*commits(0, 1, 2, 3), checkpoint(2)], 0),
        ([*commits(3, 4), checkpoint(2)], 2),
        ([*commits(2, 3, 4, 5), checkpoint(4)], 4),
        ([*commits(5), checkpoint(2), checkpoint(5)], 5),
        ([*commits(3, 4, 5), checkpoint(2), checkpoint(5)], 2),
    ],
)
def test_the_oldest_readable_version_needs_its_whole_log(names: list[str], oldest: int) -> None:
    """Commit 0 or a checkpoint, and every commit since."""
    assert oldest_readable([*names, "_last_checkpoint"]) == oldest


def test_versions_before_a_cleaned_log_are_not_listed(lake: Lake) -> None:
    """After a clean-up, history ends at the checkpoint."""
    for number in range(3):
        lake.put(events([number]))
    store.open_table(lake.places, LOGS).create_checkpoint()
    lake.put(events([9]))
    log = Path(lake.places.table("logs")) / "_delta_log"
    for version in (0, 1, 2):
        (log / f"{version:020d}.json").unlink()
    found = history.versions(lake.places, "logs", limit=20)
    assert [(v.version, v.oldest_readable) for v in found] == [(4, False), (3, True)]


def test_overviews_count_rows_without_reading_them(lake: Lake) -> None:
    """Ours first, then any other; the data files may be broken."""
    lake.put(events(range(3)))
    write_deltalake(lake.places.table("a"), pa.table({"x": [1, 2]}), description="of others")
    for file in Path(lake.places.lake).glob("**/part-*.parquet"):
        file.write_bytes(b"oops")
    found = [replace(one, last_commit=None, bytes=0) for one in history.overviews(lake.places)]
    assert found == [
        history.Overview("logs", 3, 1, 0, 1, None, LOGS.comment),
        history.Overview("a", 2, 1, 0, 0, None, "of others"),
    ]


@pytest.mark.parametrize("name", ["nix", "../lake/logs", "_checkpoints"])
def test_a_table_that_is_not_there_is_told(lake: Lake, name: str) -> None:
    """With those that are."""
    lake.put(events([0]))
    with pytest.raises(TableError, match="there are: logs"):
        history.versions(lake.places, name, limit=1)
