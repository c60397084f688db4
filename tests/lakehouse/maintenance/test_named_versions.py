"""A version with a name is never taken: not by vacuum, retention, trimming or all of upkeep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.aging import age, three_days
from support.asked import answer
from support.bucket import Bucket
from support.lakes import Lake, events

from analytics.look.diff import diff
from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.settings import Upkeep
from lakehouse.store.log import Log
from lakehouse.store.tags.naming import name_version, version_of
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.tables.tag import Tag
from lakehouse.terminal.times import Moment
from streaming.upkeep.upkeep import Pass

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow
COUNT = "SELECT count(*) AS n FROM logs"
COMMITS = 130


def name(lake: Lake, version: int, called: str = "before") -> Tag:
    """Give a version of `logs` a name."""
    return name_version(lake.places, "logs", called, store.open_table(lake.places, LOGS, version))


def rows(lake: Lake, called: str = "before") -> int:
    """How many rows `logs` has at a name."""
    return int(answer(lake, COUNT, Moment(name=called))[0]["n"])


@pytest.fixture
def merged(lake: Lake) -> Lake:
    """Six batches, a row each, merged long ago."""
    for number in range(6):
        lake.put(events([number]))
    maintenance.optimize(lake.places, "logs")
    age(lake, hours=200)
    return lake


@pytest.mark.parametrize("strays", [False, True])
def test_a_vacuum_leaves_its_files(merged: Lake, strays: bool) -> None:
    """And says so; what other versions need goes, and they are refused."""
    name(merged, 3)
    before, done = (
        maintenance.vacuum(merged.places, "logs", dry_run=dry, strays=strays)
        for dry in (True, False)
    )
    assert (before.removed, done.removed) == (3, 3)
    assert before.named == done.named == {"before": 3}
    assert (rows(merged), merged.count()) == (3, 6)
    with pytest.raises(TableError, match="version 2 of table logs is gone"):
        store.open_table(merged.places, LOGS, version=2)


def test_two_names_are_kept_whatever_lies_between(merged: Lake) -> None:
    """Of versions that no entry of the log joins any more."""
    name(merged, 2, "first")
    name(merged, 5, "second")
    assert maintenance.vacuum(merged.places, "logs").removed == 1
    assert (rows(merged, "first"), rows(merged, "second")) == (2, 5)


def test_without_its_name_it_goes(merged: Lake) -> None:
    """By the next vacuum with strays, as upkeep does it."""
    name(merged, 3)
    maintenance.vacuum(merged.places, "logs")
    Tags(merged.places).delete("logs", "before")
    assert maintenance.vacuum(merged.places, "logs", strays=True).removed
    assert len([*Path(merged.places.table(LOGS)).rglob("part-*.parquet")]) == 1
    with pytest.raises(TableError, match="is gone"):
        store.open_table(merged.places, LOGS, version=3)


@pytest.fixture
def long(lake: Lake) -> Lake:
    """A table of many commits, with checkpoints at versions 49 and 99."""
    writer, row = store.Writer(lake.places, LOGS), events([0])
    for number in range(COMMITS):
        writer.append(row, store.Key("app", number))
    return lake


def trim(lake: Lake) -> maintenance.Trimmed:
    """Trim the log of `logs` as it would be in two hours."""
    later = datetime.now(UTC) + timedelta(hours=2)
    return maintenance.trim(lake.places, "logs", timedelta(days=1), 20, later)


def test_a_trimmed_log_still_has_it(long: Lake) -> None:
    """By its entry and its checkpoint alone; the versions around it are gone."""
    name(long, 7)
    assert trim(long).oldest == Log(long.places, "logs").oldest() == 99
    assert (rows(long), long.count()) == (7, COMMITS)
    assert answer(long, COUNT, Moment(version=7)) == [{"n": 7}]
    assert trim(long).entries == 0
    with pytest.raises(TableError, match="cannot be read at 8"):
        store.open_table(long.places, LOGS, version=8)


def test_spark_reads_both(long: Lake, spark: SparkSession) -> None:
    """The version behind the gap in the log, and the newest one."""
    name(long, 7)
    trim(long)
    found = [answer(long, COUNT, at, lambda: spark) for at in (Moment(name="before"), Moment())]
    assert found == [[{"n": 7}], [{"n": COMMITS}]]


def test_a_name_whose_giver_died_before_the_checkpoint_is_kept(long: Lake) -> None:
    """The trim makes it, before the first entry goes."""
    log = Log(long.places, "logs")
    table_id = str(store.open_table(long.places, LOGS).metadata().id)
    facts = {"table": "logs", "table_id": table_id, "stamp": log.stamped(7)}
    Tags(long.places).create(
        Tag(name="before", version=7, time=log.time(7), made=datetime.now(UTC), **facts)
    )
    trim(long)
    assert rows(long) == 7


def test_without_its_name_the_log_loses_it(long: Lake) -> None:
    """By the next trim."""
    name(long, 7)
    trim(long)
    Tags(long.places).delete("logs", "before")
    assert trim(long).entries >= 2
    with pytest.raises(TableError, match="cannot be read at 7"):
        store.open_table(long.places, LOGS, version=7)


def test_a_second_name_for_what_only_a_name_keeps(long: Lake) -> None:
    """It has the time of the first: the log does not know it by its neighbours any more."""
    first = name(long, 7)
    trim(long)
    second = name(long, 7, "second")
    assert second.time == first.time
    Tags(long.places).delete("logs", "before")
    trim(long)
    assert rows(long, "second") == 7


def _after_all_of_upkeep(lake: Lake) -> None:
    """Retention, merging, vacuum and trimming, as in ten days; then the log grows on."""
    for number in range(60):
        lake.put(events([100 + number]))
    settings = Upkeep(small_files=3, history_hours=1, history_commits=10, retain_days=3)

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(hours=2)

    notes = [one.note for one in Pass(lake.places, settings, tuple(TABLES.values()), now=later)()]
    assert [note for note in notes if note] == []
    for number in range(60):
        lake.put(events([200 + number]))


def test_rows_that_were_retained_away_are_there_by_the_name(lake: Lake) -> None:
    """After retention, upkeep and trimming; compared with now, and brought back."""
    three_days(lake)
    name(lake, 3)
    done = maintenance.retain(lake.places, "logs", 1)
    assert done.named == {"before": 3}
    _after_all_of_upkeep(lake)
    assert rows(lake) == 18
    newest = store.open_table(lake.places, LOGS).version()
    found = diff(lake.places, "logs", version_of(lake.places, "logs", "before"), newest)
    assert (found.rows_before, found.rows_after) == (18, lake.count())

    maintenance.restore(lake.places, "logs", 3)
    assert lake.count() == 18


def test_upkeep_says_what_a_name_keeps(lake: Lake) -> None:
    """Where it retains and vacuums, by the name."""
    three_days(lake)
    name(lake, 3)
    settings = Upkeep(retain_days=1)
    done = [*Pass(lake.places, settings, (LOGS,), dry_run=True)()]
    said = [one.partition for one in done if one.what == "retain"]
    assert said == ["table logs: date < 2026-05-09, kept by name: before"]


def test_a_dry_run_of_retain_says_what_stays(lake: Lake) -> None:
    """A version without rows of those dates is not named."""
    three_days(lake)
    name(lake, 0, "empty")
    name(lake, 1, "first")
    assert maintenance.retain(lake.places, "logs", 1, dry_run=True).named == {"first": 1}


def test_a_lake_in_a_bucket_keeps_it(bucket: Bucket) -> None:
    """By the same tags, on a real S3."""
    lake = Lake(Places.at(bucket.url))
    for number in range(6):
        lake.put(events([number]))
    name(lake, 3)
    maintenance.optimize(lake.places, "logs")
    deleted: Callable[..., object] = maintenance.vacuum
    deleted(lake.places, "logs", 1)
    assert rows(lake) == 3
