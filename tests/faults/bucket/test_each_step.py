"""A bucket that fails for a moment, at each step: asked again, and each record is there once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.bucket_proxy import BucketProxy
from support.importing import Imports, csv_lines, written
from support.lakes import Lake
from support.windows import Pond, differences

from lakehouse.ingest.queries import INGEST, UPKEEP
from lakehouse.proof.verify import verify
from lakehouse.settings import Upkeep
from lakehouse.store.lease.bucket import OBJECT
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES
from streaming.upkeep.upkeep import Pass

pytestmark = [pytest.mark.faults]

SETTINGS = Upkeep(small_files=1, history_commits=10, closed_after_minutes=3)
TROUBLES = ("500", "503", "done 500", "lost", "late", "cut", "slow")
FILE = "a.csv"
AFTER = datetime(2026, 5, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """Some work, and which of its requests fails."""

    work: Callable[[Lake, Path], None]
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.work.__name__}: {self.method} {self.path}"


def start(lake: Lake, _: Path) -> None:
    """Takes the lease, makes tables and manifest, and gives the lease back."""
    with INGEST.alone(lake.places) as places:
        INGEST.writers(places)
        Lake(places).admit()


def batch(lake: Lake, _: Path) -> None:
    """Takes a batch with a reject in it, under a lease."""
    with INGEST.alone(lake.places) as places:
        Lake(places).batch(1, {0: 9}, bad={6})
        Lake(places).plans.forget_before(lake.manifest.query_id, 1)


def window(lake: Lake, _: Path) -> None:
    """Closes windows."""
    Pond(lake).close(AFTER)


def upkeep(lake: Lake, _: Path) -> None:
    """Rewrites, deletes files, trims the log."""
    with UPKEEP.alone(lake.places) as places:
        done = [*Pass(places, SETTINGS, tuple(TABLES.values()), now=later)()]
    assert [one.note for one in done if one.note] == []


def later() -> datetime:
    """In two hours: by then the log may be trimmed."""
    return datetime.now(UTC) + timedelta(hours=2)


def take_file(lake: Lake, folder: Path) -> None:
    """Imports a file."""
    assert Imports(lake).done(folder / FILE) == ["imported"]


STEPS = [
    Step(start, "PUT", "logs/_delta_log"),
    Step(start, "PUT", OBJECT),
    Step(start, "PUT", "manifest"),
    Step(start, "PUT", "ingest/metadata"),
    Step(batch, "PUT", "logs/date"),
    Step(batch, "PUT", "plans/"),
    Step(batch, "PUT", "quarantine/_delta_log"),
    Step(batch, "PUT", "logs/_delta_log"),
    Step(batch, "GET", "logs/_delta_log"),
    Step(batch, "POST", "?delete"),
    Step(batch, "GET", "prefix="),
    Step(window, "PUT", "traffic/_delta_log"),
    Step(window, "PUT", "traffic/granularity"),
    Step(upkeep, "PUT", "logs/_delta_log"),
    Step(upkeep, "PUT", "logs/date"),
    Step(take_file, "PUT", "_raw/"),
    Step(take_file, "PUT", "import.ledger"),
    Step(take_file, "PUT", "logs/_delta_log"),
]
COMMITS = [step for step in STEPS if step.path in ("plans/", OBJECT, "logs/_delta_log")]
# Rows of logs and of quarantine afterwards.
ROWS = {"start": 0, "batch": 9, "window": 5, "upkeep": 9, "take_file": 35}


def made(lake: Lake, folder: Path, step: Step) -> None:
    """Makes what a step needs."""
    written(folder / FILE, csv_lines(30, bad=[2]))
    if step.work is start:
        return
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    if step.work is upkeep:
        lake.batch(1, {0: 9})


def endured(lake: Lake, proxy: BucketProxy, folder: Path, step: Step, what: str) -> list[str]:
    """Does the work while a request fails; what is wrong then."""
    made(lake, folder, step)
    with proxy.trouble(what, step.method, step.path) as trouble:
        step.work(lake, folder)
    assert trouble.seen == 1, "the trouble came to nothing"
    verdict, rows = verify(lake.places), lake.count(LOGS) + lake.count(QUARANTINE)
    faults = [] if verdict.ok else [str(verdict)]
    faults += [] if rows == ROWS[step.work.__name__] else [f"{rows} rows"]
    return faults + (differences(lake) if step.work is window else [])


@pytest.mark.parametrize("step", COMMITS, ids=str)
def test_a_lost_answer_costs_nothing(
    lake: Lake, proxy: BucketProxy, tmp_path: Path, step: Step
) -> None:
    """The request was done, and nobody heard: nothing is done twice, and none is left out."""
    assert endured(lake, proxy, tmp_path, step, "lost") == []


@pytest.mark.nightly
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_moment_of_trouble_costs_nothing(
    lake: Lake, proxy: BucketProxy, tmp_path: Path, step: Step, what: str
) -> None:
    """Refused for now, done and reported as failed, cut in the middle, or never answered."""
    assert endured(lake, proxy, tmp_path, step, what) == []
