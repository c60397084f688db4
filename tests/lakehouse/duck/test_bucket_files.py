"""A table in a bucket answers as the same table in a folder, and opens no file without need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pytest
from support.bucket import Bucket
from support.lakes import events

from lakehouse.duck import Pinned, connect
from lakehouse.duck.bucket import BucketFiles, Scan
from lakehouse.paths import Places
from lakehouse.store import Key, Writer, data_files, files, open_table
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

HOURS = ("10:00:00", "10:30:00", "11:00:00")
OF_THE_LOG = {
    "SELECT count(*) FROM logs": [(6,)],
    "SELECT hour, count(*) FROM logs GROUP BY ALL ORDER BY ALL": [(10, 4), (11, 2)],
    "SELECT count(*) FROM logs WHERE hour = 10 AND date > '2026-01-01'": [(4,)],
    "SELECT max(hour) FROM logs WHERE date = '1999-01-01'": [(None,)],
}
OF_FILES = {
    "SELECT count(*) FROM logs WHERE _offset > 2": [(3,)],
    "SELECT count(*) FROM logs WHERE hour = 10 AND _offset > 2": [(1,)],
    "SELECT sum(_offset), max(hour) FROM logs": [(15, 11)],
    "SELECT event_id, hour FROM logs ORDER BY _offset LIMIT 1": [("e-0-0", 10)],
}


@dataclass
class Asked:
    """Questions to a table, and how many objects the store was asked for meanwhile."""

    bucket: Bucket
    connection: duckdb.DuckDBPyConnection

    def __call__(self, question: str) -> tuple[list[Any], int]:
        """The answer, and the requests."""
        before = self.bucket.server.requests("lake")
        rows = self.connection.execute(question).fetchall()
        return rows, (self.bucket.server.requests("lake") - before).total()


@pytest.fixture
def places(bucket: Bucket) -> Places:
    """Six events of two hours, in three files."""
    found = Places.at(bucket.url)
    writer = Writer(found, LOGS)
    for number, at in enumerate(HOURS):
        rows = events([2 * number, 2 * number + 1], timestamp=f"2026-05-01T{at}Z")
        writer.append(rows, Key("a", number))
    return found


@pytest.fixture
def asked(bucket: Bucket, places: Places) -> Iterator[Asked]:
    """The newest version of them."""
    with connect() as connection:
        table = open_table(places, LOGS)
        Pinned.of(LOGS.name, places.table(LOGS), table).create_view(connection, LOGS.name)
        yield Asked(bucket, connection)


@pytest.mark.parametrize("question", OF_THE_LOG)
def test_what_the_log_knows_opens_no_file(asked: Asked, question: str) -> None:
    """Counts by partitions."""
    assert asked(question) == (OF_THE_LOG[question], 0)


@pytest.mark.parametrize("question", OF_FILES)
def test_all_else_is_read(asked: Asked, question: str) -> None:
    """Where a column or a condition is no partition's."""
    rows, requests = asked(question)

    assert (rows, requests > 0) == (OF_FILES[question], True)


def test_columns_come_in_the_order_of_the_table(asked: Asked) -> None:
    """Though a count is answered by the first one that the files have."""
    rows = asked.connection.execute("DESCRIBE logs").fetchall()

    assert [name for name, *_ in rows] == LOGS.columns.names


def test_files_without_statistics_are_counted(asked: Asked, places: Places) -> None:
    """As others may write them."""
    (file,) = files.write(LOGS, events([6]), places.table(LOGS), "bare")
    Writer(places, LOGS).commit([msgspec.structs.replace(file, stats="{}")], Key("a", 9))
    table = open_table(places, LOGS)
    Pinned.of(LOGS.name, places.table(LOGS), table).create_view(asked.connection, "bare")

    rows, requests = asked("SELECT count(*) FROM bare")

    assert (rows, requests > 0) == ([(7,)], True)


def test_a_column_of_later_is_null(asked: Asked, places: Places) -> None:
    """In a version from before it was added."""
    pinned = Pinned.of(LOGS.name, places.table(LOGS), open_table(places, LOGS))
    later = LOGS.columns.field("service").with_name("later")
    pinned.with_columns(LOGS.columns.append(later)).create_view(asked.connection, "grown")

    assert asked("SELECT DISTINCT later FROM grown")[0] == [(None,)]


@pytest.mark.parametrize("columns", [["hour"], ["_offset"], None])
def test_arrows_own_reader_is_never_asked(places: Places, columns: list[str] | None) -> None:
    """It keeps Python's lock while it waits for threads that want it, and may never end."""
    table = open_table(places, LOGS)

    scan = BucketFiles(table, data_files(table)).scanner(columns)

    assert isinstance(scan, Scan)
    assert scan.to_reader().read_all().num_rows == 6
