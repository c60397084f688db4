"""The lake as the pages hold it: current, pruned, bounded."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta

import pytest
from support.aging import age
from support.lakes import Lake
from support.pages import minutes, named
from support.windows import Pond, at, logged

from analytics.web.lake.lake import Lake as Watched
from lakehouse.errors import LogpondError, TableError
from lakehouse.terminal.times import Moment


def watched(lake: Lake) -> Watched:
    """The lake as a server holds it that looks anew each time."""
    return Watched(lake.places, refresh_seconds=0)


def count(seen: Watched) -> int:
    """Rows of `logs` as a question sees them."""
    files = seen.at().need("logs").files
    return int(seen.ask("SELECT count(*) AS n FROM logs", (), {"logs": files})[0]["n"])


def test_a_new_commit_is_seen(lake: Lake) -> None:
    """Without opening the table anew."""
    pond, seen = Pond(lake), watched(lake)
    pond.arrive(named(["a"]))
    assert count(seen) == 1
    pond.arrive(named(["b", "c"]))
    assert count(seen) == 3


def test_a_lake_that_was_made_again_is_seen(lake: Lake) -> None:
    """Also where its versions begin anew."""
    seen = watched(lake)
    for _ in range(3):
        Pond(lake).arrive(named(["a"]), writer=str(_))
    assert count(seen) == 3
    shutil.rmtree(lake.places.table("logs"))
    assert seen.newest("logs") is None
    Pond(lake).arrive(named(["b"]))
    assert count(seen) == 1


def test_only_files_of_the_time_are_read(lake: Lake) -> None:
    """By the statistics of the log."""
    pond = Pond(lake)
    for hour in range(3):
        pond.arrive(logged(minutes(5, start=hour * 60)))
    logs = watched(lake).at().need("logs")
    assert logs.between("timestamp", at(60), at(120)).adds.num_rows == 1
    assert logs.between("timestamp", None, at(120)).adds.num_rows == 2
    assert logs.between("timestamp", at(64), None).adds.num_rows == 2
    assert logs.between("timestamp", None, None).adds.num_rows == 3


def test_only_files_that_were_written_lately_are_read(lake: Lake) -> None:
    """The newest of them, so many at most, whatever the times of their events are."""
    pond = Pond(lake)
    for name in ("a", "b", "c"):
        pond.arrive(named([name]))
        time.sleep(0.01)
    state, now = watched(lake).at().need("logs"), datetime.now(UTC)
    found = state.written_since(now - timedelta(minutes=1), 2)
    rows = watched(lake).ask("SELECT event_id FROM logs ORDER BY 1", (), {"logs": found})
    assert [row["event_id"] for row in rows] == ["b", "c"]
    assert state.written_since(now + timedelta(minutes=1), 2).adds.num_rows == 0


def test_a_moment_holds_every_table_as_it_was(lake: Lake) -> None:
    """And one that was not there yet is not there."""
    pond = Pond(lake)
    pond.arrive(named(["a"]))
    age(lake, hours=1)
    pond.close_by_now()
    then = watched(lake).at(Moment(version=1))
    assert then.need("logs").rows == 1
    assert then.table("traffic") is None


def test_a_version_of_which_files_are_gone_is_told(lake: Lake) -> None:
    """In words, with what to do."""
    pond, seen = Pond(lake), watched(lake)
    pond.arrive(named(["a"]))
    files = seen.at().need("logs").files
    shutil.rmtree(f"{lake.places.table('logs')}/date=2026-04-29")
    with pytest.raises(TableError, match="gone"):
        seen.ask("SELECT service FROM logs", (), {"logs": files})


def test_a_question_that_takes_too_long_is_stopped(lake: Lake) -> None:
    """So that one cannot hold up the others."""
    endless = "SELECT count(*) AS n FROM range(10000000000) AS a, range(10000000000) AS b"
    with pytest.raises(LogpondError, match="longer than"):
        Watched(lake.places, timeout_seconds=0.2).ask(endless, (), {})


def test_a_question_cannot_take_all_memory(lake: Lake) -> None:
    """It fails in words, and the next one is answered."""
    seen = Watched(lake.places, memory_mb=64)
    with pytest.raises(LogpondError, match="memory"):
        seen.ask("SELECT list(range) AS n FROM range(100000000)", (), {})
    assert seen.ask("SELECT 1 AS n", (), {}) == [{"n": 1}]
