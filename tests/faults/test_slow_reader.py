"""Who reads slowly while files are merged and deleted gets all rows, or is told why not."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from support.aging import age
from support.lakes import Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.query.ask import Moment, ask
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.faults

FILES, ROWS = 300, 3
# Some milliseconds a row; DuckDB opens a tenth of so many files at once.
SLOW = """
SELECT count(*) AS rows, sum(levenshtein(repeat(event_id, 200), repeat(endpoint, 100))) AS far
FROM logs
"""


@pytest.fixture
def aged(lake: Lake) -> Lake:
    """A lake whose version 1 has 300 files; of yesterday, all of them merged since."""
    many_files(lake, "aged")
    maintenance.optimize(lake.places, LOGS.name)
    age(lake, hours=24)
    return lake


def many_files(lake: Lake, name: str) -> None:
    """One commit of many small files."""
    root, rows = lake.places.table(LOGS), events(range(FILES * ROWS))
    writer = store.Writer(lake.places, LOGS)
    parts = [rows.slice(first, ROWS) for first in range(0, FILES * ROWS, ROWS)]
    written = [file for part in parts for file in store.files.write(LOGS, part, root, name)]
    writer.commit(written, store.Key(name, 0))


def begin(lake: Lake, version: int) -> Future[pa.Table]:
    """A slow query in a thread, which has opened its first files."""
    query = ThreadPoolExecutor(1).submit(ask, lake.places, SLOW, Moment(version=version))
    while not query.done() and not reads(lake):
        time.sleep(0.001)
    assert not query.done()
    return query


def reads(lake: Lake) -> bool:
    """Whether this process has a data file of the lake open."""
    opened = [Path(file.path) for file in psutil.Process().open_files()]
    return any(f.suffix == ".parquet" and f.is_relative_to(lake.places.lake) for f in opened)


def worked_over(lake: Lake) -> int:
    """Merge and order what is there and delete what is old; how many files went."""
    maintenance.optimize(lake.places, LOGS.name, ["endpoint"])
    return maintenance.vacuum(lake.places, LOGS.name, hours=1).removed


def test_a_query_at_a_kept_version_gets_all_rows(aged: Lake) -> None:
    """Its files are merged and others deleted while it runs; it counts each row once."""
    many_files(aged, "young")
    query = begin(aged, store.open_table(aged.places, LOGS).version())
    gone = worked_over(aged)
    was_over = query.done()

    assert query.result().to_pylist()[0]["rows"] == 2 * FILES * ROWS
    assert (gone, was_over) == (FILES, False)


def test_a_query_at_a_version_that_goes_is_told_so(aged: Lake) -> None:
    """No answer over half of the files: an error in words, which says what can be done."""
    query = begin(aged, version=1)
    gone = maintenance.vacuum(aged.places, LOGS.name, hours=1).removed

    assert gone == FILES
    with pytest.raises(TableError, match="No such file") as error:
        query.result()
    assert "vacuumed" in error.value.remedy


def test_batches_of_a_kept_version_come_to_their_end(aged: Lake) -> None:
    """A reader that takes one batch after another, upkeep between all of them, gets all rows."""
    for number in range(5):
        aged.put(events([10_000 + number]))
    batches = (
        store.open_table(aged.places, LOGS)
        .to_pyarrow_dataset()
        .to_batches(columns=["_offset"], batch_readahead=0, fragment_readahead=0)
    )
    seen = next(batches).column("_offset").to_pylist()
    gone = worked_over(aged)
    for batch in batches:
        seen += batch.column("_offset").to_pylist()
        worked_over(aged)

    assert (gone, sorted(seen)) == (FILES, [*range(FILES * ROWS), *range(10_000, 10_005)])
