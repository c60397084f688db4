"""Upkeep counts late rows by itself: once, as revisions, in nobody's way, and killed anywhere."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from support.lakes import Lake
from support.windows import Pond, at, differences, logged, measured, read, stored

from lakehouse import store
from lakehouse.settings import Upkeep
from lakehouse.store.lock import alone
from lakehouse.tables.rollups import TRAFFIC, WATERMARK, WINDOWS
from lakehouse.windows.close import close
from lakehouse.windows.horizon import horizon
from lakehouse.windows.recount import count_late, reconcile
from streaming.upkeep.late_rows import ROLLUPS, stream_is_behind
from streaming.upkeep.ledger import Ledger
from streaming.upkeep.upkeep import Done, Pass

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
TABLES = tuple(rollup.table() for rollup in WINDOWS)
NOW = datetime(2026, 5, 2, tzinfo=UTC)
KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[3:]
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.settings import Upkeep
module = sys.modules["lakehouse.store.replace"]
from lakehouse.tables.rollups import WINDOWS
from streaming.upkeep.upkeep import Pass
left = int(sys.argv[2])
write = module._write
def writes(*given):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(*given)
module._write = writes
places = Places(sys.argv[1], sys.argv[1] + "/_checkpoints")
tables = tuple(rollup.table() for rollup in WINDOWS)
[*Pass(places, Upkeep(), tables)()]
"""


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Two days of a row each seven minutes, closed up to the noon of the second; some come late."""
    made = Pond(lake)
    times = [at(n) for n in range(0, 2300, 7)]
    made.arrive(logged(times, endpoint=["/a" if n % 2 else "/b" for n in range(len(times))]))
    made.close(at(2160))
    made.arrive(logged([at(8), at(9), at(40), at(1500)], endpoint="/late"))
    return made


def upkeep(pond: Pond, now: datetime = NOW, **given: Any) -> list[Done]:
    """What a pass did to late rows."""
    dry = given.pop("dry_run", False)
    settings = Upkeep(vacuum_every_hours=1e6, **given)
    done = Pass(pond.lake.places, settings, TABLES, dry, now=lambda: now)()
    return [one for one in done if one.what == "reconcile"]


def revisions(pond: Pond, granularity: str = "30m") -> dict[datetime, set[int]]:
    """The revisions of each window, as they are stored."""
    found: dict[datetime, set[int]] = {}
    for row in stored(pond.lake).to_pylist():
        if row["granularity"] == granularity:
            found.setdefault(row["window_start"], set()).add(row["revision"])
            assert (row["corrected_at"] is None) == (not row["revision"])
    return found


def test_late_rows_are_counted_by_upkeep(pond: Pond) -> None:
    """All of them, each table; a dry run says so and does nothing; then nothing is late."""
    assert [one.rows for one in upkeep(pond, dry_run=True)] == [3, 1, 3, 1]
    assert pond.judged().late_rows == 8
    assert [(one.table, one.partition, one.rows) for one in upkeep(pond)] == [
        ("traffic", "date=2026-04-29", 3),
        ("traffic", "date=2026-04-30", 1),
        ("usage", "date=2026-04-29", 3),
        ("usage", "date=2026-04-30", 1),
    ]
    assert differences(pond.lake) == []
    assert (pond.judged().late_rows, pond.judged().wrong) == (0, 0)


def test_only_what_was_counted_again_is_a_revision(pond: Pond) -> None:
    """With its day; the next time it is the second one, and readers see the newest."""
    upkeep(pond)
    found = revisions(pond)
    corrected = {start for start, each in found.items() if each == {1}}
    assert corrected == {at(0), at(30), at(1500 // 30 * 30)}
    assert {each for start, of in found.items() if start not in corrected for each in of} == {0}
    assert revisions(pond, "1d") == {at(0): {1}}

    pond.arrive(logged([at(10)], endpoint="/later"))
    upkeep(pond, NOW + timedelta(hours=1))
    assert revisions(pond)[at(0)] == {2}
    assert revisions(pond)[at(30)] == {1}
    assert differences(pond.lake) == []


def test_time_travel_sees_the_older_revision(pond: Pond) -> None:
    """As it was before the correction, and after it."""
    before = store.open_table(pond.lake.places, TRAFFIC.name).version()
    old = read(pond.lake)
    upkeep(pond)
    then = store.open_table(pond.lake.places, TRAFFIC.name, before).to_pyarrow_table()
    assert not pc.any(pc.greater(then["revision"], 0)).as_py()
    requests = pc.sum(then.filter(pc.equal(then["granularity"], "30m"))["requests"]).as_py()
    final = [row for row in old if row["is_final"]]
    assert requests == sum(row["requests"] for row in final)
    assert sum(row["requests"] for row in read(pond.lake)) == sum(r["requests"] for r in old) + 4


def test_it_comes_as_often_as_it_is_set(pond: Pond) -> None:
    """Not with each pass, and never with 0."""
    assert upkeep(pond, reconcile_every_minutes=0) == []
    assert upkeep(pond)
    pond.arrive(logged([at(11)]))
    assert upkeep(pond, NOW + timedelta(minutes=29)) == []
    assert upkeep(pond, NOW + timedelta(minutes=30))
    assert Ledger.of(pond.lake.places, "traffic").reconciled == NOW + timedelta(minutes=30)


def test_older_windows_than_are_set_stay(pond: Pond) -> None:
    """Back from the newest date of `logs`."""
    pond.arrive(logged([at(-4 * 1440)]))
    assert [one.partition[-2:] for one in upkeep(pond, reconcile_days=1)] == ["29", "30"] * 2
    later = NOW + timedelta(hours=1)
    assert {one.partition[-2:] for one in upkeep(pond, later, reconcile_days=0)} == {"25"}
    assert pond.judged().late_rows == 0


def test_windows_of_before_have_no_revision(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake of an earlier release: counted as ever; the columns come with the next start."""
    places = pond.lake.places
    rows = stored(pond.lake).drop_columns(["revision", "corrected_at"])
    closed = horizon(store.open_table(places, TRAFFIC.name))
    made = store.Replacement(rows, "true", note={"writer": "test"}, columns_too=True)
    store.replace(places, TRAFFIC.table(), lambda _current: made)
    assert horizon(store.open_table(places, TRAFFIC.name)) == closed

    assert sum(one.rows for one in upkeep(pond)) == 8
    assert pond.judged().late_rows == 0
    assert differences(pond.lake) == []
    pond.arrive(logged([at(12)]))
    pond.close(at(2190))
    assert sum(one.rows for one in upkeep(pond, NOW + timedelta(hours=1))) == 2
    assert {start for start, each in revisions_or_none(pond).items() if each == {1}} == {at(0)}
    assert differences(pond.lake) == []


def revisions_or_none(pond: Pond) -> dict[datetime, set[int]]:
    """The same where earlier windows have none."""
    found: dict[datetime, set[int]] = {}
    for row in stored(pond.lake).to_pylist():
        if row["granularity"] == "30m":
            found.setdefault(row["window_start"], set()).add(row["revision"] or 0)
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_pass_that_is_killed_goes_on(pond: Pond, step: int) -> None:
    """Before each of its commits: what is left is counted by the next one, and nothing twice."""
    command = [sys.executable, "-c", KILLED, pond.lake.places.lake, str(step), str(ROOT)]
    died = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert sum(one.rows for one in upkeep(pond)) == sum([3, 1, 3, 1][step - 1 :])
    assert differences(pond.lake) == []
    assert {max(each) for each in revisions(pond).values()} == {0, 1}


def test_two_at_once_count_once(pond: Pond) -> None:
    """Upkeep and somebody's `reconcile`: each window is one revision further."""
    places = pond.lake.places
    both: list[Callable[[], object]] = [
        lambda: [*count_late(places, TRAFFIC)],
        lambda: [*reconcile(places, TRAFFIC, WATERMARK)],
    ]
    at_once(*both)
    assert {max(each) for each in revisions(pond).values()} == {0, 1}
    assert differences(pond.lake, [TRAFFIC]) == []


def test_beside_a_stream_that_closes_windows(pond: Pond) -> None:
    """Rows come, windows close, late ones are counted, all at once: in the end all is right."""
    places, chance = pond.lake.places, random.Random(7)

    def stream() -> None:
        for half_hour in range(73, 96):
            times = [at(30 * half_hour + n) for n in range(0, 30, 3)]
            late = [at(chance.uniform(0, 30 * half_hour)) for _ in range(3)]
            pond.arrive(logged([*times, *late], endpoint="/live"))
            for rollup in WINDOWS:
                [*close(places, rollup, at(30 * half_hour))]

    def keeping() -> None:
        for hours in range(1, 13):
            upkeep(pond, NOW + timedelta(hours=hours), reconcile_days=0)

    at_once(stream, keeping)
    upkeep(pond, NOW + timedelta(days=1), reconcile_days=0)
    verdict = pond.judged()
    assert (verdict.wrong, verdict.late_rows) == (0, 0)
    assert differences(pond.lake) == []
    assert measured(pond.lake)


def test_a_stream_that_is_behind_comes_first(pond: Pond) -> None:
    """It has windows to close: late rows wait for the next pass. One that does not run is none."""
    places = pond.lake.places
    pond.close(at(2250))
    with alone(places.ledger("ingest"), "the stream"):
        assert not stream_is_behind(places, TRAFFIC)
        pond.arrive(logged([at(2400)]))
        assert all(stream_is_behind(places, rollup) for rollup in ROLLUPS.values())
        assert upkeep(pond) == []
        pond.close(at(2370))
        assert upkeep(pond)


def at_once(*calls: Callable[[], object]) -> None:
    """Runs each in a thread; what one raises is raised here."""
    raised: list[BaseException] = []

    def call(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
