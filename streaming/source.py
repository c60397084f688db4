"""Kafka as the source of ingest: Spark plans the offsets of a batch, executors fetch them.

Spark's own rows are never read. Its source fails for good on a record whose time it cannot hold,
limits batches by number alone, and needs twice the CPU of the client that fetches here.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from lakehouse import no_pandas
from lakehouse.formats.messages import holds_several
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.ingest.manifest import Manifest
from lakehouse.ingest.offsets import furthest, kafka_json, parse_offsets
from lakehouse.ingest.runs import Run, runs
from lakehouse.ingest.topic_check import refuse_moved_back
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store import DataFile
from streaming.fetch import Fetch
from streaming.records import Range, gathered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Work(NamedTuple):
    """How many bytes a task was given, unpacked, and the seconds from its first record on.

    What a task costs before that does not grow with its records.
    """

    bytes: int
    seconds: float


RowsOf = Callable[[Sequence[Range]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Source:
    """`ranges` returns the records between two offsets of Spark (JSON); `fetch` returns rows.

    Executors run `fetch`.
    """

    ranges: Callable[[str, str], list[Range]]
    fetch: RowsOf


def kafka(connection: Connection, manifest: Manifest) -> Source:
    """Returns the source for the records of the topics of a checkpoint.

    Of a topic that is read again, Spark plans batches from its first record on: what was taken
    before is passed over.
    """

    def ranges(start: str, end: str) -> list[Range]:
        before = parse_offsets(start)
        firsts = furthest(manifest.start, before)
        found = list[Range]()
        for topic, ends in sorted(parse_offsets(end).items()):
            first = firsts.get(topic, {})
            planned = {p: (0, last) for p, last in ends.items()}
            refuse_moved_back(topic, planned, before.get(topic, {}))
            found += [Range(topic, p, first.get(p, 0), last) for p, last in sorted(ends.items())]
        return [each for each in found if each.size > 0]

    several = {topic for topic, reading in manifest.readings.items() if holds_several(reading)}
    return Source(ranges, Fetch(connection, frozenset(several)))


def read(
    spark: SparkSession, connection: Connection, manifest: Manifest, max_offsets: int
) -> DataFrame:
    """Returns a stream of batches of the topics of a checkpoint."""
    options = {
        **connection.spark(),
        "subscribe": ",".join(sorted(manifest.topics)),
        "startingOffsets": kafka_json(manifest.start),
        "maxOffsetsPerTrigger": str(max_offsets),
        # Where a topic is new to the checkpoint and its first records are gone, or one is not read
        # any more, Spark takes records for lost. `Guard` knows what is, and stops for it.
        "failOnDataLoss": "false",
        # a batch ends before the first transaction that is open
        "kafka.isolation.level": "read_committed",
        # Spark's own patience is minutes, and a stop waits for it
        "kafka.request.timeout.ms": "10000",
        "kafka.default.api.timeout.ms": "10000",
        "fetchOffset.numRetries": "1",
    }
    return spark.readStream.format("kafka").options(**options).load()


def tasks(records: int, coalesce_below: int, cores: int) -> int:
    """Returns how many tasks a batch is cut into: one a core, unless they would be small.

    No task has less than half of `coalesce_below`: what the driver does for a batch grows with its
    files, which follow the records then and not the size of a cluster (docs/scale.md).
    """
    if records < coalesce_below:
        return 1
    return min(cores, 2 * records // coalesce_below) if coalesce_below else cores


def pieces(ranges: Sequence[Range], count: int) -> list[list[Range]]:
    """Cuts ranges into at most `count` parts of equal numbers of records, in order."""
    share = max(1, -(-sum(each.size for each in ranges) // count))
    parts: list[list[Range]] = []
    room = 0
    for topic, partition, first, end in ranges:
        while first < end:
            if room == 0:
                parts.append([])
                room = share
            cut = min(end, first + room)
            parts[-1].append(Range(topic, partition, first, cut))
            first, room = cut, room - (cut - first)
    return parts


class Given(NamedTuple):
    """The offsets of a topic that came."""

    topic: str
    runs: list[Run]


@dataclass(frozen=True)
class Task:
    """Runs on an executor, for its part of a batch."""

    fetch: RowsOf
    decode: DecodeToFiles

    def __call__(self, ranges: Sequence[Range]) -> Iterator[DataFile | Given | Work]:
        """Yields the files that were written of these records, then offsets and what they took."""
        no_pandas.hide()
        noted = _Noted(self.fetch(ranges))
        # Rows are millions of objects without circles: looking for some took a third of the time.
        gc.disable()
        # Its own allocator gives memory back to the system after each chunk, and gets it anew.
        pa.set_memory_pool(pa.system_memory_pool())
        yield from self.decode(gathered(noted))
        yield from noted.given
        yield Work(noted.size, noted.seconds)
        _freeze_once()


def _freeze_once() -> None:
    """Leaves what a worker has imported out of the collections that Spark asks for after each task.

    They took half of the CPU of a small batch. Once only: what is frozen is never collected.
    """
    if not gc.get_freeze_count():
        gc.freeze()


class _Noted:
    """The same batches of rows, each of one topic; notes what came of them."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._began: float | None = None
        self.given, self.size = list[Given](), 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for rows in self._batches:
            self._began = self._began or time.monotonic()
            if rows.num_rows:
                self.given.append(Given(rows["_topic"][0].as_py(), runs(rows)))
            self.size += rows.nbytes
            yield rows

    @property
    def seconds(self) -> float:
        """Seconds since the first rows came."""
        return time.monotonic() - self._began if self._began else 0.0


def note_rows(spark: SparkSession, name: str, rows: int) -> None:
    """Adds rows to what the current batch of a query read, for Spark's progress and its pages.

    Spark counts what its own scan returns, and here nobody asks that for rows.
    """
    for query in (each for each in spark.streams.active if each.name == name):
        plan = query._jsq.streamingQuery().lastExecution().executedPlan()
        leaves = plan.collectLeaves()
        for leaf in (leaves.apply(place) for place in range(leaves.size())):
            counter = leaf.metrics().get("numOutputRows")
            if counter.isDefined():
                counter.get().add(rows)
