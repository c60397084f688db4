"""Commits of other software: a plain Spark session and a plain `deltalake` on our tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from support.lakes import Lake, events

from analytics.commands.verify import render_verdict
from analytics.look.history import versions
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.maintenance.optimize import optimize
from lakehouse.maintenance.retain import retain
from lakehouse.maintenance.vacuum import vacuum
from lakehouse.proof.foreign import ForeignCommit, foreign_commits
from lakehouse.proof.verify import verify
from lakehouse.tables.catalog import ANOMALIES, LOGS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def operations(found: list[ForeignCommit]) -> list[tuple[str, bool]]:
    """What was done, the oldest first, and whether it left all rows as they are."""
    return [(one.operation, one.is_harmless) for one in sorted(found, key=lambda f: f.version)]


def test_no_commit_of_ours_is_foreign(running: Lake) -> None:
    """Neither of ingest nor of upkeep, of properties, or of `retain`, noted or of old."""
    optimize(running.places, LOGS.name)
    vacuum(running.places, LOGS.name)
    store.set_property(running.places, LOGS.name, "delta.appendOnly", "false")
    retain(running.places, LOGS.name, 1)
    assert foreign_commits(running.places) == []
    assert not any(one.foreign for one in versions(running.places, LOGS.name, 100))


def test_a_table_whose_making_broke_off_has_none(running: Lake) -> None:
    """Its log is there and empty: `verify` goes on."""
    Path(running.places.delta_log(ANOMALIES)).mkdir(parents=True)
    assert foreign_commits(running.places) == []


def test_an_optimize_by_spark_is_named_and_harmless(running: Lake, spark: SparkSession) -> None:
    """The promise holds, the stream goes on, and `verify` and `history` say whose commit it is."""
    spark.sql(f"OPTIMIZE delta.`{running.places.table(LOGS)}`").collect()
    running.batch(2, {0: 12})
    verdict = verify(running.places)
    assert (verdict.ok, operations(verdict.foreign_commits)) == (True, [("OPTIMIZE", True)])
    assert "version 3, OPTIMIZE of Apache-Spark/" in render_verdict(verdict)
    assert [one.foreign for one in versions(running.places, LOGS.name, 10)].count(True) == 1


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("statement", "faults", "operation"),
    [
        ("INSERT INTO {0} SELECT * FROM {0} WHERE _offset = 4", ["duplicates"], "WRITE"),
        ("DELETE FROM {0} WHERE _offset = 3", ["gaps"], "DELETE"),
        ("UPDATE {0} SET _offset = 99 WHERE _offset = 3", ["gaps", "unexpected"], "UPDATE"),
    ],
)
def test_a_change_of_rows_by_spark_breaks_the_promise(
    running: Lake, spark: SparkSession, statement: str, faults: list[str], operation: str
) -> None:
    """`verify` counts what it did, and names the commit."""
    spark.sql(statement.format(f"delta.`{running.places.table(LOGS)}`")).collect()
    verdict = verify(running.places)
    wrong = [n for n in ("gaps", "duplicates", "unexpected") if getattr(verdict, n)]
    assert (verdict.ok, wrong) == (False, faults)
    assert operations(verdict.foreign_commits) == [(operation, False)]


def test_a_write_by_deltalake_is_told_from_ours(running: Lake) -> None:
    """It is the same engine, without our note."""
    DeltaTable(running.places.table(LOGS)).delete("_offset = 3")
    assert operations(foreign_commits(running.places)) == [("DELETE", False)]


def test_a_column_that_others_add_stops_the_next_start(running: Lake, spark: SparkSession) -> None:
    """A writer that runs goes on, as the column may be NULL; the next start says what is wrong."""
    writer = store.Writer(running.places, LOGS)
    spark.sql(f"ALTER TABLE delta.`{running.places.table(LOGS)}` ADD COLUMNS (x STRING)")
    assert writer.append(events([50]), store.Key("a", 0))
    with pytest.raises(TableError, match=r"x \(no longer known\)"):
        store.Writer(running.places, LOGS)
    assert operations(foreign_commits(running.places)) == [("ADD COLUMNS", False)]


def test_a_commit_that_was_written_over_stops_the_writer(lake: Lake, spark: SparkSession) -> None:
    """As Spark does where it looks before our commit and renames after it; its entry is a real one.

    The remedy names `recover ingest`, which takes records again that no table has.
    """
    lake.admit()
    for number in range(2):
        lake.batch(number, {0: 5 * (number + 1)})
    writer = store.Writer(lake.places, LOGS)
    aside = Path(shutil.copytree(lake.places.table(LOGS), f"{lake.places.lake}/aside"))
    spark.sql(f"OPTIMIZE delta.`{aside}`").collect()
    writer.append(events([70]), store.Key("a", 2))
    entry = f"_delta_log/{3:020d}.json"
    (aside / entry).rename(Path(lake.places.table(LOGS)) / entry)
    with pytest.raises(TableError, match="a commit to table logs is gone") as caught:
        writer.append(events([71]), store.Key("a", 3))
    assert "logpond recover ingest" in caught.value.remedy
