"""DESCRIBE HISTORY and DESCRIBE DETAIL without a JVM say what Spark says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.asked import answer
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import SettingsError, TableError
from lakehouse.maintenance.optimize import optimize
from lakehouse.maintenance.vacuum import vacuum
from lakehouse.query.ask import Moment, ask
from lakehouse.query.limits import too_long
from lakehouse.settings import Sql
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES
from lakehouse.tables.rollups import ROLLUPS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HISTORY, DETAIL = "DESCRIBE HISTORY logs", "DESCRIBE DETAIL logs"
# Spark takes these from the times of files, we from what the log notes.
TIMES = {"timestamp", "lastModified"}


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A table after writes, an OPTIMIZE, a VACUUM, a DELETE and another property."""
    for number in range(3):
        lake.put(events(range(5 * number, 5 * number + 5)))
    optimize(lake.places, LOGS.name)
    vacuum(lake.places, LOGS.name)
    store.open_table(lake.places, LOGS).delete("_offset = 1")
    store.set_property(lake.places, LOGS.name, "delta.appendOnly", "false")
    return lake


def without_times(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows of an answer, but for the columns in which the engines may differ."""
    return [{name: of for name, of in row.items() if name not in TIMES} for row in rows]


@pytest.mark.parametrize("sql", [HISTORY, f"{HISTORY} LIMIT 2", DETAIL, "desc detail LOGS"])
def test_both_engines_agree(worn: Lake, spark: SparkSession, sql: str) -> None:
    """On every column and value but the times, with the columns in Spark's order and types."""
    ours, theirs = answer(worn, sql), answer(worn, sql, spark=lambda: spark)
    assert without_times(ours) == without_times(theirs)
    assert [[*row] for row in ours] == [[*row] for row in theirs]
    types = [ask(worn.places, sql, spark=by).schema.types for by in (None, lambda: spark)]
    assert types[0] == types[1]


@pytest.mark.parametrize("name", [QUARANTINE.name, *ROLLUPS])
def test_both_engines_agree_on_other_tables(lake: Lake, spark: SparkSession, name: str) -> None:
    """Also on one that is empty, and has other partitions."""
    store.create(lake.places, TABLES[name])
    sql = f"DESCRIBE DETAIL {name}"
    assert without_times(answer(lake, sql)) == without_times(answer(lake, sql, spark=lambda: spark))


def test_the_history_is_newest_first_and_its_times_fall(worn: Lake) -> None:
    """A row a commit, each with the time that it notes."""
    found = ask(worn.places, HISTORY).to_pylist()
    times = [row["timestamp"] for row in found]
    assert [row["version"] for row in found] == [*range(len(found))][::-1]
    assert times == sorted({*times}, reverse=True)
    assert found[-1]["operation"] == "CREATE TABLE"


def test_a_comment_is_no_statement(lake: Lake) -> None:
    """What stands in a comment before is not what is asked."""
    lake.put(events(range(3)))
    (found,) = answer(lake, "-- DESCRIBE HISTORY nix\n/* DESC */ DESCRIBE DETAIL logs;")
    assert (found["name"], found["numFiles"]) == ("logs", 1)


@pytest.mark.parametrize(
    "sql", [f"{HISTORY} WHERE version = 1", f"{DETAIL} LIMIT 1", f"{HISTORY} LIMIT -1"]
)
def test_further_words_are_refused(lake: Lake, sql: str) -> None:
    """The error says how it is written."""
    lake.put(events(range(3)))
    with pytest.raises(SettingsError) as caught:
        answer(lake, sql)
    assert "DESCRIBE DETAIL logs" in caught.value.remedy


def test_a_moment_is_refused(lake: Lake) -> None:
    """It would be ignored: a history is that of the newest version."""
    lake.put(events(range(3)))
    with pytest.raises(SettingsError, match="as they are now"):
        answer(lake, HISTORY, Moment(version=0))


def test_a_table_that_is_not_there_is_named(lake: Lake) -> None:
    """With those that are."""
    lake.put(events(range(3)))
    with pytest.raises(TableError, match="there are: logs"):
        answer(lake, "DESCRIBE HISTORY nix")


def test_a_commit_may_say_anything(lake: Lake) -> None:
    """A value of another type than Spark's is text or NULL, and no fault."""
    lake.put(events(range(3)))
    entry = Path(lake.places.delta_log(LOGS)) / f"{2:020d}.json"
    odd = {"operation": 7, "readVersion": 10**40, "isBlindAppend": "x", "operationMetrics": [1]}
    odd |= {"userMetadata": {"a": [1]}, "job": {"jobId": 5}, "operationParameters": {"p": None}}
    entry.write_text(json.dumps({"commitInfo": {"timestamp": 1e300, **odd}}))
    found = answer(lake, HISTORY)[0]
    assert (found["operation"], found["userMetadata"]) == ("7", '{"a":[1]}')
    assert (found["job"]["jobId"], found["operationParameters"]) == ("5", {"p": None})
    assert [found[n] for n in ("readVersion", "isBlindAppend", "operationMetrics")] == [None] * 3


def test_a_long_history_is_bounded(lake: Lake) -> None:
    """In time, as every answer."""
    lake.put(events(range(3)))
    limits = Sql(seconds=1e-9)
    with pytest.raises(SettingsError, match=str(too_long(limits).what)):
        ask(lake.places, HISTORY, limits=limits)
