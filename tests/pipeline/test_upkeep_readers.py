"""Streams that read a table live through its upkeep: nothing repeated, nothing taken from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from support.aging import age, day, three_days
from support.asked import rows_at
from support.lakes import Lake

from lakehouse import maintenance, store
from lakehouse.erasure import erase
from lakehouse.erasure.erase import Erasure
from lakehouse.erasure.request import Request
from lakehouse.errors import CheckpointError
from lakehouse.maintenance.readers import Reader, readers
from lakehouse.tables.catalog import LOGS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]
QUERY = "windows"


class Crash(Exception):
    """Stands for the end of the process."""


@dataclass
class Stream:
    """A query that reads `logs` as a stream; `seen` are the offsets of completed batches."""

    lake: Lake
    spark: SparkSession
    files: int = 1
    seen: list[int] = field(default_factory=list)

    def run(self, batches: int = 100) -> None:
        """Read what is there, `files` a batch; end in the batch after so many."""
        from pyspark.errors import StreamingQueryException

        def take(rows: DataFrame, _batch: int) -> None:
            nonlocal batches
            batches -= 1
            if batches < 0:
                raise Crash
            self.seen += sorted(row["_offset"] for row in rows.select("_offset").collect())

        query = self._start(take)
        try:
            query.awaitTermination(120)
        except StreamingQueryException:
            assert batches < 0

    def next(self) -> list[Reader]:
        """What it has yet to read, as upkeep sees it."""
        table = str(store.open_table(self.lake.places, LOGS).metadata().id)
        return [*readers(self.lake.places, table)]

    def _start(self, take: Any) -> Any:
        rows = self.spark.readStream.format("delta").option("skipChangeCommits", True)
        logs = rows.option("maxFilesPerTrigger", self.files).load(self.lake.places.table(LOGS))
        writer = logs.writeStream.foreachBatch(take).trigger(availableNow=True)
        return writer.option("checkpointLocation", self.lake.places.checkpoint(QUERY)).start()


@pytest.fixture
def stream(lake: Lake, spark: SparkSession) -> Stream:
    """A stream on records of three days, each day a commit; versions 1 to 3."""
    return Stream(three_days(lake), spark)


FIRST = [0, 2, 3, 4, 5, 7, 8, 9]
ALL = [*FIRST, *range(10, 20)]


@pytest.mark.parametrize("batches", [0, 1, pytest.param(2, marks=pytest.mark.nightly), 100])
def test_retain_neither_fails_nor_repeats_nor_takes(stream: Stream, batches: int) -> None:
    """Wherever the stream is: what it has not read yet, it reads, and what comes then, once."""
    stream.run(batches)
    maintenance.retain(stream.lake.places, "logs", days=1)
    stream.lake.put(rows_at(day(10), [20, 21]))
    stream.run()

    assert sorted(stream.seen) == [*ALL, 20, 21]


def test_a_restore_is_no_news_to_a_stream(stream: Stream) -> None:
    """It skips the commit, and reads what comes after it."""
    stream.run()
    maintenance.restore(stream.lake.places, "logs", 2)
    stream.lake.put(rows_at(day(10), [20]))
    stream.run()
    assert sorted(stream.seen) == [*ALL, 20]


def test_where_a_stream_is(stream: Stream) -> None:
    """Read from what Spark wrote: nothing yet, within its first version, past it, at the end."""
    told = []
    for batches in (0, 1, 100):
        stream.run(batches)
        told.append(stream.next())
    stream.lake.put(rows_at(day(10), [20]))
    stream.run()
    told.append(stream.next())

    first = Reader(QUERY, 3, True)
    assert told == [[first], [first], [Reader(QUERY, 4, False)], [Reader(QUERY, 5, False)]]


def test_where_a_stream_is_that_planned_to_read_all_at_once(stream: Stream) -> None:
    """Its first batch ends past the version that it is of; not completed, it needs that one."""
    stream.files = 100
    stream.run(0)
    assert stream.next() == [Reader(QUERY, 3, True)]


@pytest.mark.parametrize("batches", [0, 1])
def test_files_of_the_first_version_are_kept(stream: Stream, batches: int) -> None:
    """A stream that began on a filled table and stopped in it still needs them."""
    stream.run(batches)
    stream.lake.put(rows_at(day(10), [20]))
    maintenance.optimize(stream.lake.places, "logs")
    age(stream.lake, hours=200)

    with pytest.raises(CheckpointError, match="windows has yet to read version 3") as error:
        maintenance.vacuum(stream.lake.places, "logs")
    assert "recover windows" in error.value.remedy
    stream.run()
    assert maintenance.vacuum(stream.lake.places, "logs").removed > 0
    assert sorted(stream.seen) == [*ALL, 20]


def test_files_of_commits_not_read_yet_are_kept(stream: Stream) -> None:
    """Merged since, they are what the stream will read: until it has, they stay."""
    stream.run()
    for offset in (20, 21):
        stream.lake.put(rows_at(day(10), [offset]), key=f"put-{offset}")
    maintenance.optimize(stream.lake.places, "logs")
    age(stream.lake, hours=200)

    with pytest.raises(CheckpointError, match="windows has yet to read version 4"):
        maintenance.vacuum(stream.lake.places, "logs", dry_run=True)
    stream.run()
    assert maintenance.vacuum(stream.lake.places, "logs").removed > 0
    assert sorted(stream.seen) == [*ALL, 20, 21]


def test_a_stream_that_has_read_all_holds_nothing_back(stream: Stream) -> None:
    """However many commits of upkeep came since: it reads none of their files."""
    stream.lake.put(rows_at(day(10), [20]))
    stream.run()
    maintenance.optimize(stream.lake.places, "logs")
    maintenance.optimize(stream.lake.places, "logs", ["_offset"])
    age(stream.lake, hours=200)

    assert stream.next() == [Reader(QUERY, 5, False)]
    assert maintenance.vacuum(stream.lake.places, "logs").removed > 0


def test_other_tables_and_checkpoints_put_aside_hold_nothing_back(stream: Stream) -> None:
    """A reader of `logs` is none of `quarantine`; one given up is none at all."""
    stream.run(1)
    other = str(store.open_table(stream.lake.places, "quarantine").metadata().id)
    assert [*readers(stream.lake.places, other)] == []

    stream.lake.checkpoint.__class__(stream.lake.places, QUERY).retire(".before-1")
    assert stream.next() == []


def test_a_stream_goes_on_after_an_erasure(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has yet to read is not taken from it; then it passes over what was erased."""
    monkeypatch.setattr(erase, "WAITED_SECONDS", 1.0)
    stream.run()
    stream.lake.put(rows_at(day(10), [20]))
    erasure = Erasure(stream.lake.places, Request(where="timestamp:>=2026-05-10T00:00:00Z"))

    with pytest.raises(CheckpointError, match="windows has yet to read"):
        erasure()
    stream.run()
    erasure()
    stream.lake.put(rows_at(day(8), [21]), key="after")
    stream.run()

    assert sorted(stream.seen) == [*ALL, 20, 21]
    assert stream.lake.coordinates() == [(0, n) for n in (*FIRST, *range(10, 15), 21)]
