"""The table of many commits that benchmarks ask is what real commits make."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.lakes import Lake

from benchmarks.long_log import WRITER, events, long_log
from lakehouse.store import Key, Writer, files, open_table
from lakehouse.tables.catalog import LOGS


@pytest.mark.slow
def test_a_log_that_is_written_is_a_log(lake: Lake) -> None:
    """Of 60 commits the last ten are in the table; it takes the next one, and not the last."""
    long_log(lake.places, 60, 10, 5)

    table, writer = open_table(lake.places, LOGS), Writer(lake.places, LOGS)
    (file,) = files.write(LOGS, events(5, datetime.now(UTC)), lake.places.table(LOGS), "next")
    again, after = (writer.commit([file], Key(WRITER, number)) for number in (59, 60))

    assert (table.version(), len(table.file_uris()), table.count()) == (60, 10, 50)
    assert (again, after, open_table(lake.places, LOGS).count()) == (False, True, 55)
