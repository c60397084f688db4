"""Upkeep bounds files and log entries, beside commits, and may be killed anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.lakes import Lake, events

from lakehouse import maintenance, store
from lakehouse.proof.verify import verify
from lakehouse.settings import Upkeep
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES
from streaming.upkeep.ledger import Ledger
from streaming.upkeep.upkeep import Done, Pass

ROOT = Path(__file__).resolve().parents[3]
COMMITS, EVERY, STEP = 300, 15, timedelta(seconds=40)
FIRST = datetime(2026, 5, 1, 8, tzinfo=UTC)
pytestmark = pytest.mark.slow
SETTINGS = Upkeep(small_files=10, history_commits=100, closed_after_minutes=3)
KILLED = """
import os, signal, sys, threading, time
from datetime import UTC, datetime, timedelta
sys.path[:0] = sys.argv[4:]
from lakehouse.paths import Places
from lakehouse.settings import Upkeep
from lakehouse.tables.catalog import TABLES
from streaming.upkeep.upkeep import Pass
done, seconds = int(sys.argv[2]), float(sys.argv[3])
places = Places(sys.argv[1], sys.argv[1] + "/_checkpoints")
settings = Upkeep(small_files=5, history_commits=10, closed_after_minutes=3)
later = lambda: datetime.now(UTC) + timedelta(hours=2)
passing = Pass(places, settings, tuple(TABLES.values()), now=later)
def end():
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
for number, _ in enumerate(passing()):
    if number == done:
        end() if not seconds else threading.Thread(target=end).start()
"""


def upkeep(lake: Lake, settings: Upkeep = SETTINGS, **more: Any) -> list[Done]:
    """A pass over all tables, as if in two hours: by then the log may be trimmed."""
    return [*Pass(lake.places, settings, tuple(TABLES.values()), now=later, **more)()]


def later() -> datetime:
    """In two hours."""
    return datetime.now(UTC) + timedelta(hours=2)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three hours and twenty minutes of commits, 40 s apart, with a pass every ten minutes."""
    lake = Lake.at(tmp_path_factory.mktemp("day"))
    writer = store.Writer(lake.places, LOGS)
    for number in range(COMMITS):
        now = f"{FIRST + number * STEP:%Y-%m-%dT%H:%M:%SZ}"
        writer.append(events([number], timestamp=now), store.Key("app", number))
        if number % EVERY == EVERY - 1:
            upkeep(lake)
    return lake


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A lake of 60 batches in one hour, and of one event in the next."""
    lake.admit()
    for batch in range(60):
        lake.batch(batch, {0: 2 * (batch + 1)}, bad={2 * batch})
    lake.put(events([0], partition=9, timestamp="2026-05-01T12:04:00Z"))
    return lake


def test_files_stay_few(day: Lake) -> None:
    """A closed hour is one file; the open one has no more small files than the setting."""
    found = maintenance.parts(day.places, "logs")
    assert [len(part.files) for part in found[:-1]] == [1, 1, 1]
    assert len(found[-1].files) <= SETTINGS.small_files + EVERY
    assert day.count() == COMMITS


def test_the_log_stays_short(day: Lake) -> None:
    """As many commits as are kept, back to a checkpoint, and what came since the last pass."""
    interval = 50
    entries = Log(day.places, "logs").names()
    assert len(entries) <= SETTINGS.history_commits + 2 * interval + EVERY


def test_closed_hours_are_put_in_order_once(day: Lake) -> None:
    """The ledger knows their files, and nothing is due any more."""
    ordered = Ledger.of(day.places, "logs").ordered
    found = maintenance.parts(day.places, "logs")[:-1]

    assert {name: set(files) for name, files in ordered.items()} == {
        part.name: set(part.files) for part in found
    }
    assert [done.what for done in upkeep(day)] == []


def test_a_lost_ledger_costs_a_rewrite_and_no_row(worn: Lake) -> None:
    """Closed hours are put in order again, and then known."""
    upkeep(worn)
    (Path(worn.places.ledger("upkeep")) / "logs.json").write_text("oops")

    assert [done.what for done in upkeep(worn)] == ["order", "index"]
    assert upkeep(worn) == []
    assert worn.count() == 61


def test_a_dry_run_says_what_is_due_and_does_nothing(worn: Lake) -> None:
    """The same steps as the pass after it."""
    version = store.open_table(worn.places, LOGS).version()
    told = upkeep(worn, dry_run=True)

    assert store.open_table(worn.places, LOGS).version() == version
    assert [(d.table, d.what) for d in told] == [(d.table, d.what) for d in upkeep(worn)]


def test_commits_go_on_during_a_pass(worn: Lake) -> None:
    """None fails, is lost or is repeated, whatever the pass rewrites meanwhile."""
    writer, rows = store.Writer(worn.places, LOGS), events(range(100, 200), partition=8)
    ended = threading.Event()

    def keep_passing() -> None:
        while not ended.is_set():
            upkeep(worn, Upkeep(small_files=3, history_commits=10, closed_after_minutes=3))

    passing = threading.Thread(target=keep_passing)
    passing.start()
    done = [writer.append(rows.slice(n, 1), store.Key("beside", n)) for n in range(100)]
    ended.set()
    passing.join()
    assert (all(done), worn.count()) == (True, 161)
    assert len(set(worn.coordinates())) == 161


# After each thing done, and a while after the first ones, within the next.
POINTS = [*((n, 0.0) for n in range(4)), *((n, 0.003 * 3**m) for n in (0, 1) for m in range(3))]


@pytest.mark.faults
@pytest.mark.parametrize(("done", "seconds"), POINTS)
def test_a_killed_pass_is_finished_by_the_next(worn: Lake, done: int, seconds: float) -> None:
    """`verify` is clean after the kill, and the next pass leaves nothing due."""
    words = [sys.executable, "-c", KILLED, worn.places.lake, str(done), str(seconds), str(ROOT)]
    ended = subprocess.run(words, env={**os.environ}, check=False).returncode
    settings = Upkeep(small_files=5, history_commits=10, closed_after_minutes=3)

    assert ended in (-signal.SIGKILL, 0)
    assert (worn.count(), verify(worn.places).records) == (61, 120)
    upkeep(worn, settings)
    assert [one for one in upkeep(worn, settings) if one.what != "trim"] == []
    assert worn.count() == 61
