"""A vacuum with strays takes what the log has forgotten, and no file of a plan that stands."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.lakes import Lake

from lakehouse import maintenance
from lakehouse.ingest.plans import has_plan_before
from lakehouse.tables.catalog import LOGS

HOURS = 40


def files(lake: Lake) -> list[Path]:
    """Every Parquet file of `logs` on disk."""
    return [*Path(lake.places.table(LOGS)).glob("date=*/**/*.parquet")]


def age(paths: list[Path]) -> None:
    """Make files this much older."""
    then = time.time() - HOURS * 3600
    for path in paths:
        os.utime(path, (then, then))


@pytest.fixture
def worn(running: Lake) -> Lake:
    """A lake with two batches merged, and a file that a crash left behind, all of them old."""
    maintenance.optimize(running.places, "logs")
    stray = files(running)[0].with_name("part-9-left-behind.parquet")
    stray.write_bytes(b"half")
    age(files(running))
    return running


def test_what_no_commit_knows_is_deleted(worn: Lake) -> None:
    """Once it is older than what is kept; what the newest version has stays."""
    rows = worn.coordinates()
    told = maintenance.vacuum(worn.places, "logs", 24, strays=True)

    assert told.removed == 1
    assert not [path for path in files(worn) if "left-behind" in path.name]
    assert worn.coordinates() == rows


def test_what_was_half_written_is_deleted(worn: Lake) -> None:
    """A crash leaves it under a name that no listing shows; one under way is young."""
    log = Path(worn.places.table(LOGS)) / "_delta_log"
    old, young = log / "00000000000000000009.json#1", files(worn)[0].with_suffix(".parquet#2")
    for file in (old, young):
        file.write_bytes(b"half")
    age([old])
    told = [maintenance.vacuum(worn.places, "logs", 24, dry, True) for dry in (True, False)]

    assert [each.removed for each in told] == [2, 2]
    assert (old.exists(), young.exists()) == (False, True)


def test_young_files_of_a_batch_under_way_stay(worn: Lake) -> None:
    """They are written, and not committed yet."""
    plan = worn.batch(2, {0: 20}, crash="planned")
    maintenance.vacuum(worn.places, "logs", 24, strays=True)

    assert all((Path(worn.places.table(LOGS)) / f.path).exists() for f in plan.files_of("logs"))


def test_a_plan_that_stands_for_long_is_seen(worn: Lake) -> None:
    """Its files may be as old as those that nobody needs."""
    before = datetime.now(UTC) - timedelta(hours=24)
    young = has_plan_before(worn.places, before)
    age([*Path(worn.places.ledger("ingest")).glob("plans/*/*.json")])

    assert (young, has_plan_before(worn.places, before)) == (False, True)
