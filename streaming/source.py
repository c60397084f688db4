"""Kafka as the source of ingest: Spark plans which offsets are a batch, executors fetch them.

Spark's own rows are never read. Its source fails for good on a record whose time it cannot hold,
bounds what it takes by number alone, and costs twice the CPU of the client that fetches here.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.ingest.checkpoint import parse_offsets
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.ingest.runs import Run, runs
from lakehouse.store import DataFile
from streaming.fetch import Fetch, Range

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RowsOf = Callable[[Sequence[Range]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Source:
    """`ranges` are the records between two offsets of Spark (JSON), `fetch` gives their rows.

    Executors run `fetch`.
    """

    ranges: Callable[[str, str], list[Range]]
    fetch: RowsOf


def kafka(bootstrap: str, topic: str) -> Source:
    """The records of a topic."""

    def ranges(start: str, end: str) -> list[Range]:
        first = parse_offsets(start, topic)
        ends = sorted(parse_offsets(end, topic).items())
        found = [Range(partition, first.get(partition, 0), last) for partition, last in ends]
        return [each for each in found if each.size > 0]

    return Source(ranges, Fetch(bootstrap, topic))


def read(
    spark: SparkSession, bootstrap: str, topic: str, starting: str, max_offsets: int
) -> DataFrame:
    """A stream that plans batches of a topic; the first one begins at `starting` (JSON offsets)."""
    options = {
        "kafka.bootstrap.servers": bootstrap,
        "subscribe": topic,
        "startingOffsets": starting,
        "maxOffsetsPerTrigger": str(max_offsets),
        "failOnDataLoss": "true",
        # a batch ends before the first transaction that is open
        "kafka.isolation.level": "read_committed",
        # Spark's own patience is minutes, and a stop waits for it
        "kafka.request.timeout.ms": "10000",
        "kafka.default.api.timeout.ms": "10000",
        "fetchOffset.numRetries": "1",
    }
    return spark.readStream.format("kafka").options(**options).load()


def pieces(ranges: Sequence[Range], count: int) -> list[list[Range]]:
    """The ranges cut into at most `count` parts of equal numbers of records, in their order."""
    share = max(1, -(-sum(each.size for each in ranges) // count))
    parts: list[list[Range]] = []
    room = 0
    for partition, first, end in ranges:
        while first < end:
            if room == 0:
                parts.append([])
                room = share
            cut = min(end, first + room)
            parts[-1].append(Range(partition, first, cut))
            first, room = cut, room - (cut - first)
    return parts


@dataclass(frozen=True)
class Task:
    """What an executor does with its part of a batch."""

    fetch: RowsOf
    decode: DecodeToFiles

    def __call__(self, ranges: Sequence[Range]) -> Iterator[DataFile | Run]:
        """The files that were written of these records, then the offsets that came."""
        given = list[Run]()
        # Rows are millions of objects without circles: looking for some took a third of the time.
        gc.disable()
        yield from self.decode(_noted(self.fetch(ranges), given))
        yield from given


def _noted(batches: Iterator[pa.RecordBatch], given: list[Run]) -> Iterator[pa.RecordBatch]:
    """The same rows; their offsets are added to `given`."""
    for rows in batches:
        given += runs(rows)
        yield rows


def note_rows(spark: SparkSession, name: str, rows: int) -> None:
    """Add rows to what the current batch of a query read, for Spark's progress and its pages.

    Spark counts what comes out of its own scan, and nobody asks that for rows.
    """
    for query in (each for each in spark.streams.active if each.name == name):
        plan = query._jsq.streamingQuery().lastExecution().executedPlan()
        leaves = plan.collectLeaves()
        for leaf in (leaves.apply(place) for place in range(leaves.size())):
            counter = leaf.metrics().get("numOutputRows")
            if counter.isDefined():
                counter.get().add(rows)
