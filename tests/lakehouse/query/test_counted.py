"""All rows of a table are counted by its log, and by nothing else that a statement may ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.asked import answer
from support.lakes import Lake, events

from lakehouse.query.ask import Moment

pytestmark = pytest.mark.slow

COUNTS = [
    "SELECT COUNT(*) AS n FROM logs",
    "select count(*) as n from Logs as l;",
    "SELECT COUNT() AS n FROM logs",
]
OTHERS = [
    ("SELECT COUNT(*) AS n FROM logs WHERE service IS NULL", 0),
    ("SELECT COUNT(service) AS n FROM logs", 5),
    ("SELECT COUNT(DISTINCT date) AS n FROM logs", 1),
    ("SELECT COUNT(*) FILTER (WHERE false) AS n FROM logs", 0),
    ("SELECT COUNT(*) AS n FROM logs LIMIT 1", 5),
    ("SELECT COUNT(*) + 1 AS n FROM logs", 6),
    ("SELECT COUNT(*) AS n FROM logs, logs AS other", 25),
    ("SELECT COUNT(*) OVER () AS n FROM logs LIMIT 1", 5),
    ("WITH logs AS (SELECT 1) SELECT COUNT(*) AS n FROM logs", 1),
    ("SELECT COUNT(*) AS n FROM logs GROUP BY _offset LIMIT 1", 1),
    ("SELECT COUNT(*) AS n FROM logs HAVING COUNT(*) > 4", 5),
]


def unreadable(lake: Lake, table: str) -> None:
    """Makes every data file of a table one that no engine reads."""
    for file in Path(lake.places.table(table)).rglob("*.parquet"):
        file.write_bytes(b"oops")


@pytest.mark.parametrize("sql", COUNTS)
def test_a_whole_count_opens_no_file(lake: Lake, sql: str) -> None:
    """Files of a version are not even opened: they may be broken."""
    lake.put(events(range(3)))
    lake.put(events(range(3, 5)))
    unreadable(lake, "logs")
    assert answer(lake, sql) == [{"n": 5}]
    assert answer(lake, sql, Moment(version=1)) == [{"n": 3}]
    assert answer(lake, sql, Moment(version=0)) == [{"n": 0}]


def test_its_column_is_called_as_the_engine_calls_it(lake: Lake) -> None:
    """Without a name it is DuckDB's own."""
    lake.put(events(range(3)))
    assert answer(lake, "SELECT COUNT(*) FROM logs") == [{"count_star()": 3}]


@pytest.mark.parametrize(("sql", "count"), OTHERS)
def test_what_is_more_than_a_count_is_asked_of_the_rows(lake: Lake, sql: str, count: int) -> None:
    """A condition, a group, a column or a second table are for the engine."""
    lake.put(events(range(5)))
    assert answer(lake, sql)[0]["n"] == count


def test_a_log_without_counts_leaves_it_to_the_files(lake: Lake) -> None:
    """Others may write no statistics."""
    lake.put(events(range(1)))
    rows = pa.table({"number": [1, 2, 3]})
    root = lake.places.table("others")
    write_deltalake(root, rows, configuration={"delta.dataSkippingNumIndexedCols": "0"})
    for entry in (Path(root) / "_delta_log").glob("*.json"):
        text = entry.read_text().replace('\\"numRecords\\":3', '\\"nothing\\":3')
        entry.write_text(text)
    assert answer(lake, "SELECT COUNT(*) AS n FROM others") == [{"n": 3}]


def test_a_count_loads_neither_pandas_nor_upkeep(lake: Lake) -> None:
    """Each would take longer than the answer."""
    lake.put(events(range(3)))
    asked = ["-m", "logpond", "sql", "--lake", lake.places.lake, COUNTS[0]]
    command = [sys.executable, "-X", "importtime", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["n", "3"]
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    heavy = {"pandas._libs", "lakehouse.maintenance", "pyspark"}
    assert "lakehouse.query.ask" in loaded
    assert not loaded & heavy
