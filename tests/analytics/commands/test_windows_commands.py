"""The commands that make windows again, and what `verify` says of windows."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake
from support.records import TAKEN, message
from support.windows import Pond, differences, tampered

from analytics.commands import windows as commands
from analytics.commands.verify import verify
from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.tables.catalog import QUARANTINE
from lakehouse.tables.rollups import TRAFFIC

FIRST = TAKEN - timedelta(hours=40)


def of_the_hour(name: str, offset: int) -> bytes:
    """An event every half hour; from the 60th on, those of ten minutes later, too late."""
    at = FIRST + timedelta(minutes=30 * (offset % 60) + (10 if offset >= 60 else 0))
    return message(event_id=name, timestamp=at.isoformat(), endpoint=f"/{offset % 2}")


def begun(lake: Lake) -> None:
    """Thirty hours of records, taken in one batch."""
    lake.payload = of_the_hour
    lake.admit()
    store.create(lake.places, QUARANTINE)
    lake.batch(0, {0: 60})


@pytest.fixture
def ingested(lake: Lake) -> Lake:
    """Those, and their windows closed."""
    begun(lake)
    Pond(lake).close_by_now()
    return lake


@pytest.fixture
def late(ingested: Lake) -> Lake:
    """The same, and two more records for the first hour of the first day."""
    ingested.batch(1, {0: 62})
    return ingested


def run(command: Any, lake: Lake, *words: str, **env: str) -> Result:
    """A command on a lake."""
    return CliRunner(env=env).invoke(command, [*words, "--lake", lake.places.lake])


def verified(lake: Lake) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `verify`."""
    done = run(verify, lake, "--format", "json")
    assert done.stdout, done.exception
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.slow
def test_verify_recounts_the_windows(ingested: Lake) -> None:
    """58 half hours of both tables, and the two days that are over."""
    code, said = verified(ingested)
    assert (code, said["ok"], said["windows_wrong"], said["windows_late"]) == (0, True, 0, 0)
    assert said["windows_checked"] == 2 * (58 + 2)
    assert said["versions"].keys() == {"logs", "quarantine", "traffic", "usage"}


@pytest.mark.slow
def test_late_is_no_fault(late: Lake) -> None:
    """It is told with number and time, and with what to do; the promise holds."""
    code, said = verified(late)
    assert (code, said["ok"], said["windows_late"], said["late_rows"]) == (0, True, 4, 4)
    people = run(verify, late).stdout
    assert "late: traffic 30m 2026-04-29 20:00, 1 rows, the last" in people
    assert "logpond reconcile" in people


@pytest.mark.slow
def test_wrong_is_a_fault(ingested: Lake) -> None:
    """Exit code 1, and which window."""
    tampered(
        ingested, "granularity = '1d' AND date = '2026-04-30'", rollup="usage", requests="1000"
    )
    code, said = verified(ingested)
    assert (code, said["ok"], said["windows_wrong"]) == (1, False, 1)
    assert [(w["table"], w["granularity"]) for w in said["examples_of_windows"]] == [
        ("usage", "1d")
    ]
    assert "wrong: usage 1d 2026-04-30" in run(verify, ingested).stdout


@pytest.mark.slow
def test_reconcile_tells_what_it_mended(late: Lake) -> None:
    """By table and day; then there is nothing more to tell."""
    tampered(late, "granularity = '1d' AND date = '2026-04-30'", rollup="usage", requests="1000")
    rows = json.loads(run(commands.reconcile, late, "--format", "json").stdout)
    names = ("table", "date", "wrong", "late", "late_rows")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("traffic", "2026-04-29", 0, 2, 2),
        ("usage", "2026-04-29", 0, 2, 2),
        ("usage", "2026-04-30", 1, 0, 0),
    ]
    assert json.loads(run(commands.reconcile, late, "--format", "json").stdout) == []
    assert (verified(late)[1]["windows_late"], differences(late)) == (0, [])


@pytest.mark.slow
def test_reconcile_for_people_and_since(late: Lake) -> None:
    """A day after the late rows there is nothing to mend; a time that is none is refused."""
    said = run(commands.reconcile, late, "--since", "2026-04-30").stdout
    assert said.splitlines()[-1] == "0 late rows are counted now"
    said = run(commands.reconcile, late, "--since", "2026-04-29T23:59:59Z").stdout
    assert said.splitlines()[-1] == "4 late rows are counted now"
    assert "is not a time" in str(run(commands.reconcile, late, "--since", "soon").exception)


@pytest.mark.slow
def test_rebuild_makes_all_again(late: Lake) -> None:
    """It says how many; the late rows are in then."""
    done = run(commands.rebuild, late, "traffic")
    assert done.exit_code == 0
    assert done.stdout.startswith("traffic made again: 58 windows, ")
    assert "60 requests" in done.stdout
    assert differences(late, [TRAFFIC]) == []


@pytest.mark.slow
def test_rebuild_knows_its_tables(ingested: Lake) -> None:
    """Another name is refused, and the right ones are told."""
    done = run(commands.rebuild, ingested, "logs")
    assert (done.exit_code, "traffic" in done.stderr) == (2, True)


@pytest.mark.slow
def test_another_watermark_wants_a_rebuild(ingested: Lake) -> None:
    """Refused in words that name the command, which then works."""
    env = {"LOGPOND_WINDOWS_WATERMARK_MINUTES": "10"}
    refused = run(commands.reconcile, ingested, **env)
    assert isinstance(refused.exception, CheckpointError)
    assert "logpond rebuild traffic" in str(refused.exception)
    for name in ("traffic", "usage"):
        assert run(commands.rebuild, ingested, name, **env).exit_code == 0
    assert run(commands.reconcile, ingested, **env).exit_code == 0


@pytest.mark.slow
def test_a_lake_without_windows_is_verified_all_the_same(lake: Lake) -> None:
    """None were checked; `reconcile` closes those that are over."""
    begun(lake)
    assert verified(lake)[1]["windows_checked"] == 0
    assert run(commands.reconcile, lake).exit_code == 0
    assert verified(lake)[1]["windows_checked"] == 120
    assert store.open_table(lake.places, "usage").version() > 0
