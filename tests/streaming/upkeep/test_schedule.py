"""The schedule runs passes beside the program that holds it, and tells what is amiss, once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from support.lakes import Lake, events

from lakehouse import maintenance, settings
from lakehouse.paths import Places
from lakehouse.settings import Settings
from lakehouse.store.lock import alone
from streaming.upkeep.schedule import Schedule, amiss, environment

OFTEN = {"upkeep_every_minutes": 0.002, "upkeep_small_files": 2}


def asked(lake: Lake, **flags: Any) -> Settings:
    """The settings of this lake."""
    return settings.load(lake=lake.places.lake, **flags)


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A lake with six small files."""
    for number in range(6):
        lake.put(events([number]), key=f"put-{number}")
    return lake


def is_merged(lake: Lake, seconds: float = 60) -> bool:
    """Whether the files become one in time."""
    pause = threading.Event()
    for _ in range(int(seconds * 5)):
        if maintenance.shape(lake.places, "logs").files == 1:
            return True
        pause.wait(0.2)
    return False


@pytest.mark.slow
def test_passes_run_by_themselves(worn: Lake) -> None:
    """With the settings of the program, and without a word when all is well."""
    said: list[str] = []
    schedule = Schedule(asked(worn, **OFTEN), said.append)
    schedule.start()
    merged = is_merged(worn)
    schedule.stop()

    assert (merged, said) == (True, [])


@pytest.mark.slow
def test_a_pass_that_fails_is_told_once(worn: Lake) -> None:
    """In one line, and the next one is tried."""
    heard = threading.Event()
    said: list[str] = []
    schedule = Schedule(asked(worn, **OFTEN), lambda note: (said.append(note), heard.set())[0])
    with alone(worn.places.ledger("upkeep"), "this test"):
        schedule.start()
        assert heard.wait(60)
    assert is_merged(worn)
    schedule.stop()
    assert len(said) == 1
    assert "upkeep runs already" in said[0]


def test_no_period_is_no_upkeep(worn: Lake) -> None:
    """Starting and stopping are allowed all the same, and again."""
    schedule = Schedule(asked(worn, upkeep_every_minutes=0), print)
    for call in (schedule.stop, schedule.start, schedule.stop, schedule.stop):
        call()
    assert maintenance.shape(worn.places, "logs").files == 6


def test_a_stop_ends_the_pass_under_way(worn: Lake) -> None:
    """No child is left, and nothing is told of it."""
    said: list[str] = []
    schedule = Schedule(asked(worn, **OFTEN), said.append)
    schedule.start()
    threading.Event().wait(0.4)
    schedule.stop()

    assert schedule._child is None or schedule._child.poll() is not None
    assert said == []


def test_what_was_refused_is_told() -> None:
    """By table and step; what was done is not."""
    done = [
        {"table": "logs", "what": "merge", "note": ""},
        {"table": "logs", "what": "vacuum", "note": "no"},
    ]
    assert amiss(done, 0, "") == {"upkeep of logs: vacuum: no"}


def test_a_child_has_the_settings_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those given by flags too."""
    given = settings.load(lake=str(tmp_path), upkeep_history_hours=5, upkeep_memory_mb=99)
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    found = settings.load()

    assert (found.upkeep, Places.of(found)) == (given.upkeep, Places.of(given))
