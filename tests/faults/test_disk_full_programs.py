"""A full disk stops each program that writes to a lake in words, at whatever step it comes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.disks import Disk, small_disk
from support.importing import Imports, csv_lines, written
from support.lakes import Lake
from support.records import LIMITS
from support.trouble import close_and_fold

from anomaly.lake.detection import prepare_tables
from lakehouse import decode, maintenance, settings
from lakehouse.errors import LogpondError
from lakehouse.ingest.queries import REPLAY
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import LOGS, TABLES
from producer import spool
from streaming.repair.replay import replay_quarantine
from streaming.upkeep.upkeep import Pass

pytestmark = pytest.mark.faults

# Pages of 4 kB that are left: each lets a program come a step or two further.
LEFT = (*range(24), *range(24, 100, 4)) if "DISKS_AT_NIGHT" in os.environ else (0, 6)


def import_(lake: Lake) -> object:
    """A second file, its windows too."""
    return Imports(lake).run(Path(lake.places.lake).parent / "b.csv", windows=True)


def upkeep(lake: Lake) -> object:
    """What is due; what could not be done is a note of the pass."""
    own = settings.load(lake=lake.places.lake, upkeep_small_files=10).upkeep
    return [*Pass(lake.places, own, tuple(TABLES.values()))()]


def optimize(lake: Lake) -> object:
    """All of `logs` in order."""
    return maintenance.optimize(lake.places, LOGS.name, zorder=("endpoint",))


def detection(lake: Lake) -> object:
    """Minutes closed and folded."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    return close_and_fold(lake, 150)


def replay(lake: Lake) -> object:
    """Open quarantine decoded again."""
    return replay_quarantine(lake.places, REPLAY.writers(lake.places), LIMITS, decode.decode)


PROGRAMS: list[Callable[[Lake], object]] = [import_, upkeep, optimize, detection, replay]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of one imported file and some small commits, and a second file."""
    folder = tmp_path_factory.mktemp("first")
    lake = Lake.at(folder)
    lake.admit()
    for batch in range(12):
        lake.batch(batch, {0: 3 * batch + 3}, bad={1})
    Imports(lake).run(written(folder / "a.csv", csv_lines(30, bad=[2])), windows=True)
    written(folder / "b.csv", csv_lines(40, bad=[3, 17], service="cart"))
    return folder


@pytest.fixture
def disk(first: Path, tmp_path: Path) -> Iterator[Disk]:
    """A disk of 16 MB with a copy of it."""
    with small_disk(tmp_path / "disk", megabytes=16) as made:
        shutil.copytree(first, made.root, dirs_exist_ok=True)
        yield made


def run_out(lake: Lake, program: Callable[[Lake], object]) -> None:
    """Run a program that may find no room; it says so in words, and which disk it is."""
    try:
        program(lake)
    except LogpondError as full:
        assert f"the disk that holds {lake.places.lake}" in str(full)  # noqa: PT017


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_room_is_said_and_costs_nothing(
    disk: Disk, program: Callable[[Lake], object], left: int
) -> None:
    """Meanwhile all that is there is right; with room again the program does all of its work."""
    lake = Lake.at(disk.root)
    disk.fill(left)
    run_out(lake, program)
    disk.make_room()
    meanwhile = verify(lake.places)
    program(lake)

    found = verify(lake.places)
    assert meanwhile.ok, meanwhile
    assert (found.ok, found.records) == (True, 36 + 30 + 40 * (program is import_)), found


@pytest.mark.parametrize("left", [0, 1, 2])
def test_the_producer_keeps_what_it_can_or_says_so(disk: Disk, left: int) -> None:
    """Unsent records are in the spool as a whole, or an error names its disk."""
    disk.fill(left)
    folder = disk.root / "unsent"
    records = [(b"key", bytes(1000))] * 10
    with pytest.raises(LogpondError, match="the disk that holds"):
        spool.keep(folder, records)
    assert spool.claim(folder) == []
    disk.make_room()
    spool.keep(folder, records)
    assert [*spool.records(spool.claim(folder))] == records
