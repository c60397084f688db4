"""A full disk is told in words by whatever writes, and leaves nothing that passes for whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.disks import Disk, small_disk
from support.lakes import Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import SettingsError
from lakehouse.ingest.plans import BatchPlan
from lakehouse.store import objects
from lakehouse.store.disk import full
from lakehouse.store.lease import folder as lease
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import TRAFFIC


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 4 MB."""
    with small_disk(tmp_path / "disk", megabytes=4) as made:
        yield made


@pytest.fixture
def lake(disk: Disk) -> Lake:
    """A lake on it, with two files in `logs`."""
    lake = Lake.at(disk.root)
    lake.admit()
    lake.batch(0, {0: 500})
    lake.batch(1, {0: 900})
    return lake


def plan(lake: Lake) -> object:
    """Write down a plan of the next batch."""
    big = "{}" + " " * 10_000
    query_id = lake.manifest.query_id
    return lake.plans.write(BatchPlan(query_id=query_id, batch=2, files=[], start="{}", end=big))


def commit(lake: Lake) -> object:
    """Commit a file; the log does not look whether it is there."""
    partition = {"date": "2026-05-01", "hour": "11"}
    file = store.DataFile(LOGS.name, "x.parquet", 1, 1, partition, '{"numRecords":1}')
    return store.Writer(lake.places, LOGS).commit([file], store.Key("again", 0))


WRITES: dict[str, Callable[[Lake], object]] = {
    "files": lambda lake: lake.put(events(range(1000, 2000))),
    "commit": commit,
    "plan": plan,
    "manifest": lambda lake: lake.checkpoint.adopt(lake.manifest),
    "table": lambda lake: store.create(lake.places, TRAFFIC.table()),
    "property": lambda lake: store.set_property(lake.places, "logs", "logpond.x", "1"),
    "optimize": lambda lake: maintenance.optimize(lake.places, LOGS.name),
    "settle": lambda lake: maintenance.set_properties(lake.places, LOGS.name, {"logpond.x": "1"}),
}


BEGUN = ("files", "plan", "optimize")


@pytest.mark.parametrize(
    ("write", "left"), [*((name, 0) for name in WRITES), *((name, 1) for name in BEGUN)]
)
def test_a_full_disk_is_told(lake: Lake, disk: Disk, write: str, left: int) -> None:
    """In words; every file is as before, also where 4 kB were written; with room it is done."""
    before = everything(disk)
    disk.fill(left)
    with pytest.raises(SettingsError, match=r"the disk that holds .*disk/lake.* is full") as error:
        WRITES[write](lake)
    disk.make_room()

    assert "make room" in error.value.remedy
    assert everything(disk) == before
    WRITES[write](lake)


def everything(disk: Disk) -> dict[str, bytes]:
    """Every file on a disk, but locks: that of a rewriting says who tried last."""
    files = (file for file in sorted(disk.root.rglob("*")) if file.is_file())
    return {str(file): file.read_bytes() for file in files if file.name != lease.FILE}


def test_what_is_not_about_a_full_disk_is_left_alone() -> None:
    """An error of another kind stays as it is."""
    assert full(OSError("Permission denied"), ["/"]) is None
    with pytest.raises(OSError, match="Permission denied"), objects.in_words("/"):
        raise OSError("Permission denied")
