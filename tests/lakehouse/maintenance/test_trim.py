"""A log is trimmed at a checkpoint, and no further than streams and settings allow."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.lakes import Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

COMMITS = 130
DAY = timedelta(days=1)


@pytest.fixture
def long(lake: Lake) -> Lake:
    """A table of many commits, with checkpoints at versions 49 and 99."""
    writer, rows = store.Writer(lake.places, LOGS), events([0])
    for number in range(COMMITS):
        writer.append(rows, store.Key("app", number))
    return lake


def trim(lake: Lake, most: int = 20, keep: timedelta = DAY, **more: bool) -> maintenance.Trimmed:
    """Trim the log of `logs` as it would be in two hours."""
    later = datetime.now(UTC) + timedelta(hours=2)
    return maintenance.trim(lake.places, "logs", keep, most, later, **more)


def reads(lake: Lake, version: int) -> None:
    """A stream has read `logs` up to a version."""
    table = str(store.open_table(lake.places, LOGS).metadata().id)
    at = {"reservoirId": table, "reservoirVersion": version, "isStartingVersion": False}
    folder = Path(lake.places.checkpoint("windows"))
    files = {
        "metadata": '{"id":"q"}',
        "offsets/0": f"v1\n{{}}\n{json.dumps(at)}",
        "commits/0": "v1",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def test_the_newest_commits_stay_with_their_checkpoint(long: Lake) -> None:
    """Rows and the versions from there on are as they were; older ones are refused in words."""
    told = trim(long)

    assert (told.oldest, Log(long.places, "logs").oldest()) == (99, 99)
    assert long.count() == COMMITS
    assert store.open_table(long.places, LOGS, version=99).count() == 99
    with pytest.raises(TableError, match="cannot be read at 98"):
        store.open_table(long.places, LOGS, version=98)


def test_a_trimmed_log_is_trimmed_no_more(long: Lake) -> None:
    """Until it has grown."""
    trim(long)
    assert trim(long).entries == 0


def test_a_dry_run_trims_nothing(long: Lake) -> None:
    """It says what would go."""
    told = trim(long, dry_run=True)
    assert (told.entries >= 99, Log(long.places, "logs").oldest()) == (True, 0)


def test_what_is_old_goes_though_it_is_little(long: Lake) -> None:
    """Whatever number of commits may be kept."""
    assert trim(long, most=10_000, keep=timedelta(0)).oldest == 99


def test_what_is_young_and_little_stays(long: Lake) -> None:
    """Neither limit is reached."""
    assert trim(long, most=10_000).entries == 0


def test_the_last_hour_stays(long: Lake) -> None:
    """A query that has just opened a version is under way, or a stream about to note it."""
    now = datetime.now(UTC)
    assert maintenance.trim(long.places, "logs", timedelta(0), 1, now).entries == 0


def test_what_a_stream_has_yet_to_read_stays(long: Lake) -> None:
    """And it is said which one holds it."""
    reads(long, 60)
    told = trim(long)

    assert (told.oldest, told.held_by) == (49, "windows")
    assert Log(long.places, "logs").info(60) is not None


def test_a_writer_goes_on_over_a_trimmed_log(long: Lake) -> None:
    """One that opened the table before, and has not committed since."""
    idle, rows = store.Writer(long.places, LOGS), events([1])
    writer = store.Writer(long.places, LOGS)
    for number in range(COMMITS, COMMITS + 60):
        writer.append(rows, store.Key("app", number))
    trim(long, most=10)

    assert idle.append(rows, store.Key("idle", 0))
    assert idle.last("app") == COMMITS + 59
    assert long.count() == COMMITS + 61


def test_settled_properties_are_one_commit_and_then_none(lake: Lake) -> None:
    """Only what differs is written."""
    lake.put(events([0]))
    wanted = {"logpond.historyHours": "48"}
    assert maintenance.set_properties(lake.places, "logs", wanted)
    version = store.open_table(lake.places, LOGS).version()

    assert not maintenance.set_properties(lake.places, "logs", wanted)
    assert store.open_table(lake.places, LOGS).version() == version
