"""Upkeep changes files and how far back one can look, never rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.aging import age
from support.lakes import Lake

from lakehouse import maintenance, store
from lakehouse.errors import SettingsError, TableError
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

BATCHES = 6


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A lake of many small batches, so of many small files."""
    lake.admit()
    for batch in range(BATCHES):
        lake.batch(batch, {0: 10 * (batch + 1)}, bad={10 * batch})
    return lake


def test_small_files_become_one_and_rows_stay(worn: Lake) -> None:
    """Each hour has one file afterwards, and every record is where it was."""
    before, records = maintenance.shape(worn.places, "logs"), worn.coordinates()
    told = maintenance.optimize(worn.places, "logs")

    assert told.before == before
    assert (before.files, told.after.files) == (BATCHES, 1)
    assert worn.coordinates() == records
    assert verify(worn.places).ok


def test_older_versions_outlive_an_optimize(worn: Lake) -> None:
    """Time travel to before it gives what it gave."""
    past = [store.open_table(worn.places, LOGS, version=v).count() for v in range(BATCHES + 1)]
    maintenance.optimize(worn.places, "logs")

    again = [store.open_table(worn.places, LOGS, version=v).count() for v in range(BATCHES + 1)]
    assert again == past == [9 * v for v in range(BATCHES + 1)]


def test_optimize_again_has_nothing_to_do(worn: Lake) -> None:
    """An hour that is one file is left alone: no commit."""
    first = maintenance.optimize(worn.places, "logs")
    assert maintenance.optimize(worn.places, "logs").after == first.after


def test_zorder_puts_like_rows_together(worn: Lake) -> None:
    """Rows of a file come in the order of the columns, and none is lost."""
    records = worn.coordinates()
    maintenance.optimize(worn.places, "logs", ["_offset"])

    rows = store.open_table(worn.places, LOGS).to_pyarrow_table(columns=["_offset"])
    assert rows["_offset"].to_pylist() == sorted(rows["_offset"].to_pylist())
    assert worn.coordinates() == records


@pytest.mark.parametrize("column", ["nonsense", "hour"])
def test_what_cannot_be_ordered_by_is_refused(worn: Lake, column: str) -> None:
    """A column that is not there, or is a partition, is named."""
    with pytest.raises(SettingsError, match=column):
        maintenance.optimize(worn.places, "logs", [column])


def test_ingest_goes_on_after_an_optimize(worn: Lake) -> None:
    """A writer that was open before commits on top of it, once."""
    writer = store.Writer(worn.places, LOGS)
    maintenance.optimize(worn.places, "logs")
    rows = store.open_table(worn.places, LOGS).to_pyarrow_table()

    assert writer.append(rows, store.Key("late", 0))
    assert not writer.append(rows, store.Key("late", 0))


def test_the_past_within_the_retention_is_kept(worn: Lake) -> None:
    """A vacuum right after an optimize deletes nothing."""
    maintenance.optimize(worn.places, "logs")
    told = maintenance.vacuum(worn.places, "logs")
    assert (told.removed, told.after) == (0, told.before)


def test_a_vacuum_deletes_what_no_kept_version_needs(worn: Lake) -> None:
    """The merged files go; rows stay, and the newest version is the oldest to be read."""
    maintenance.optimize(worn.places, "logs")
    age(worn, hours=200)
    told = maintenance.vacuum(worn.places, "logs")

    assert told.removed == BATCHES
    assert told.after.oldest_version == BATCHES + 1
    assert len(list(Path(worn.places.table(LOGS)).rglob("part-*.parquet"))) == 1
    assert verify(worn.places).ok


def test_a_version_that_was_vacuumed_is_refused_in_words(worn: Lake) -> None:
    """Not by a missing file in the middle of a query."""
    maintenance.optimize(worn.places, "logs")
    age(worn, hours=200)
    maintenance.vacuum(worn.places, "logs")

    with pytest.raises(TableError, match="version 2 of table logs is gone"):
        store.open_table(worn.places, LOGS, version=2)
    assert store.open_table(worn.places, LOGS, version=BATCHES + 1).count() == 9 * BATCHES


def test_a_dry_run_only_counts(worn: Lake) -> None:
    """It says how many files would go, and neither deletes nor commits."""
    maintenance.optimize(worn.places, "logs")
    age(worn, hours=200)
    told = maintenance.vacuum(worn.places, "logs", dry_run=True)

    assert (told.removed, told.after) == (BATCHES, told.before)
    assert store.open_table(worn.places, LOGS, version=2).count() == 18


def test_files_of_a_plan_outlive_a_vacuum(worn: Lake) -> None:
    """What a crashed batch wrote but did not commit is still there for its replay."""
    plan = worn.batch(BATCHES, {0: 100}, crash="planned")
    maintenance.optimize(worn.places, "logs")
    age(worn, hours=200)
    maintenance.vacuum(worn.places, "logs", hours=1)

    root = Path(worn.places.table(LOGS))
    assert all((root / file.path).exists() for file in plan.files_of("logs"))


def test_no_hours_at_all_are_refused(worn: Lake) -> None:
    """A query under way may need the files."""
    with pytest.raises(SettingsError, match="an hour at least"):
        maintenance.vacuum(worn.places, "logs", hours=0)


def test_a_wrong_clock_makes_no_file_old(worn: Lake) -> None:
    """A commit of just now that calls itself one of 1970 took files away: they stay."""
    maintenance.optimize(worn.places, "logs")
    newest = store.open_table(worn.places, "logs").version()
    stamp(worn, newest, datetime(1970, 1, 1, 0, 5, tzinfo=UTC))

    told = maintenance.vacuum(worn.places, "logs", hours=1)

    assert told.removed == 0
    assert store.open_table(worn.places, "logs", version=newest - 1).to_pyarrow_table().num_rows


def stamp(lake: Lake, version: int, at: datetime) -> None:
    """Give a commit another time, as a clock that is wrong does."""
    entry = Path(lake.places.delta_log("logs")) / f"{version:020d}.json"
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    for facts in (facts for action in actions for facts in action.values()):
        times = facts.keys() & {"timestamp", "deletionTimestamp"}
        facts |= dict.fromkeys(times, int(at.timestamp() * 1000))
    entry.write_text("\n".join(map(json.dumps, actions)))
