"""SQL without a JVM reads exactly the rows of a version, whatever files it lies in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from support.asked import answer, rows_at
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.query.ask import Moment
from lakehouse.tables.catalog import LOGS

COUNT = "SELECT COUNT(*) AS n FROM logs"
DAY = datetime(2026, 5, 2, 7, tzinfo=UTC)


def write(lake: Lake, name: str, rows: pa.Table, **options: Any) -> None:
    """A Delta table that is none of ours."""
    write_deltalake(lake.places.table(name), rows, mode="append", **options)


def test_each_version_holds_its_own_rows(lake: Lake) -> None:
    """A version answers with the rows up to it, the newest with all."""
    lake.put(events(range(3)))
    lake.put(events(range(3, 5)))
    found = [answer(lake, COUNT, Moment(version=v))[0]["n"] for v in (0, 1, 2)]
    assert (found, answer(lake, COUNT)) == ([0, 3, 5], [{"n": 5}])


def test_a_time_gives_the_version_of_that_time(lake: Lake) -> None:
    """As of a time between two commits, the second is not there yet."""
    lake.put(events(range(3)))
    log = Path(lake.places.table("logs")) / "_delta_log"
    between = datetime.fromtimestamp((log / f"{1:020d}.json").stat().st_mtime + 0.01, UTC)
    import time

    time.sleep(0.05)
    lake.put(events(range(3, 5)))
    assert answer(lake, COUNT, Moment(as_of=between)) == [{"n": 3}]


def test_an_empty_table_has_the_right_types(lake: Lake) -> None:
    """Without a file, the columns and their types are those of the table."""
    store.create(lake.places, LOGS)
    found = answer(lake, "DESCRIBE SELECT date, hour, timestamp, response_time FROM logs")
    kinds = [one["column_type"] for one in found]
    assert kinds == ["DATE", "INTEGER", "TIMESTAMP WITH TIME ZONE", "DOUBLE"]
    assert answer(lake, "SELECT * FROM logs") == []


def test_partition_columns_have_their_types_and_skip_files(lake: Lake) -> None:
    """The file of another hour is not even opened: it may be broken."""
    lake.put(rows_at(DAY, range(2)))
    lake.put(rows_at(DAY.replace(hour=8), range(2, 5)))
    next(Path(lake.places.table("logs")).glob("date=*/hour=8/*.parquet")).write_bytes(b"oops")
    found = answer(lake, "SELECT DISTINCT date, hour FROM logs WHERE hour < 8")
    assert found == [{"date": "2026-05-02", "hour": 7}]


def test_compaction_changes_no_answer(lake: Lake) -> None:
    """The files that deltalake makes of ours are read as ours."""
    for number in range(4):
        lake.put(rows_at(DAY.replace(hour=7 + number % 2), [number]))
    before = answer(lake, "SELECT * FROM logs ORDER BY _offset")
    assert store.open_table(lake.places, LOGS).optimize.compact()["numFilesRemoved"]
    assert answer(lake, "SELECT * FROM logs ORDER BY _offset") == before


def test_odd_partition_values_come_from_the_log(lake: Lake) -> None:
    """Values that a path must encode, NULL among them, are read as they were written."""
    values = ["a b", "c/d%", None, "it's", "é", "plain"]
    write(lake, "odd", pa.table({"p": values, "x": range(6)}), partition_by=["p"])
    found = answer(lake, "SELECT p FROM odd ORDER BY x")
    assert [one["p"] for one in found] == values


def test_a_column_added_later_is_null_in_older_files(lake: Lake) -> None:
    """Nested and plain columns that a file lacks read NULL, and a widened one reads."""
    write(lake, "grown", pa.table({"x": pa.array([1], pa.int64())}))
    grown = pa.table({"x": [2], "tags": [["a"]], "at": [DAY]})
    write(lake, "grown", grown, schema_mode="merge")
    found = answer(lake, "SELECT * FROM grown ORDER BY x")
    older = {"x": 1, "tags": None, "at": None}
    assert found == [older, {"x": 2, "tags": ["a"], "at": "2026-05-02T07:00:00Z"}]


def test_times_are_utc(lake: Lake) -> None:
    """Wherever the machine stands, a time shows as UTC, and now() is a time with zone."""
    lake.put(rows_at(DAY, [0]))
    sql = (
        "SELECT timestamp, hour(timestamp) AS h FROM logs WHERE timestamp < now() - INTERVAL 1 DAY"
    )
    assert answer(lake, sql) == [{"timestamp": "2026-05-02T07:00:00Z", "h": 7}]


def test_a_file_beside_the_lake_can_be_joined(lake: Lake, tmp_path: Path) -> None:
    """A CSV file that a query names is read; nothing in Python is."""
    lake.put(events([0, 1]))
    (tmp_path / "teams.csv").write_text("service,team\nshop,blue\n")
    sql = f"SELECT DISTINCT team FROM logs JOIN '{tmp_path}/teams.csv' USING (service)"
    assert answer(lake, sql) == [{"team": "blue"}]


@pytest.mark.parametrize(
    ("sql", "at", "kind", "says"),
    [
        ("SELECT 1 FROM nix", Moment(), TableError, "there are: logs"),
        (COUNT, Moment(version=9), TableError, "versions 0 to 1 can be read"),
        (COUNT, Moment(as_of=datetime(2001, 1, 1, tzinfo=UTC)), TableError, "version 0 is of 20"),
        ("SELECT nix FROM logs", Moment(), SettingsError, '"nix" not found'),
        ("SELECT 1; SELECT 2", Moment(), SettingsError, "one at a time"),
        ("SELECT * FROM 'http://localhost/x.csv'", Moment(), SettingsError, "httpfs"),
        ("SELECT path::INT FROM logs", Moment(), SettingsError, "'/\\x1b[31m' to INT32"),
        ("FROM places", Moment(), TableError, "no table places"),
    ],
)
def test_a_fault_is_told_in_words(
    lake: Lake, sql: str, at: Moment, kind: type[LogpondError], says: str
) -> None:
    """What cannot be answered names what can; control characters in it are escaped."""
    lake.put(events([0], path="/\x1b[31m"))
    places = lake.places  # a Python variable, which no query may see
    with pytest.raises(kind) as caught:
        answer(Lake(places), sql, at)
    assert says in str(caught.value)


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    """Before the first start there is no table, and no folder is made by asking."""
    with pytest.raises(TableError, match="make demo"):
        answer(lake, COUNT)
    assert not Path(lake.places.lake).exists()


def test_a_vacuumed_version_says_so(lake: Lake) -> None:
    """A version whose file is gone is a fault of the table, with words."""
    lake.put(events(range(3)))
    store.open_table(lake.places, LOGS).delete()
    DeltaTable(lake.places.table(LOGS)).vacuum(0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(TableError, match="vacuumed"):
        answer(lake, "SELECT MAX(ip) FROM logs", Moment(version=1))


def test_the_newest_rows_of_a_date_are_found(lake: Lake) -> None:
    """ORDER BY with LIMIT over a partition: DuckDB reads files of that partition only."""
    for day in (1, 2, 3):
        lake.put(rows_at(datetime(2026, 5, day, tzinfo=UTC), [day]))
    sql = "SELECT _offset FROM logs WHERE date >= DATE '2026-05-02' ORDER BY timestamp DESC LIMIT 1"

    assert answer(lake, sql) == [{"_offset": 3}]
    plan = str(answer(lake, f"EXPLAIN ANALYZE {sql}"))
    assert "Scanning Files: 2/3" in plan
