"""The ingest query, as it is drawn: records -> decode, guard, split -> files -> plan -> tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from lakehouse import decode, store
from lakehouse.decode import Limits
from lakehouse.ingest.absent import Absent, within
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.intake import Decode, DecodeToFiles
from lakehouse.ingest.manifest import Manifest
from lakehouse.ingest.offsets import TopicOffsets
from lakehouse.ingest.plans import BatchPlan, BatchPlans, carry_out, lost_tables, note_invisible
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.runs import Run, holes
from lakehouse.paths import Places
from lakehouse.runtime import rights
from lakehouse.store import DataFile, Writer
from streaming import source
from streaming.guard import BatchesOfAnotherSize, StopBetweenBatches
from streaming.records import Range
from streaming.source import Given, Source, Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery


def start(records: DataFrame, ingest: Ingest, trigger: dict[str, str | bool]) -> StreamingQuery:
    """Runs the query `ingest` over raw rows; `trigger` as in DataStreamWriter.trigger."""
    return (
        records.writeStream.queryName(ingest.checkpoint.query)
        .foreachBatch(partial(ingest, records.sparkSession))
        .option("checkpointLocation", ingest.checkpoint.location)
        .trigger(**trigger)  # type: ignore[arg-type]
        .start()
    )


Check = Callable[[TopicOffsets, Mapping[str, Sequence[Run]]], None]
# Offsets [first, end) by partition, of one topic.
Extents = dict[int, tuple[int, int]]


@dataclass
class Ingest:
    """Takes micro-batches one after another, each exactly once.

    `is_stopping` is asked before a batch. `reached` is called with the name of each step after it.
    `check` gets, by topic, up to which offsets records were read and which did not come; it raises
    where they must not be taken.
    `is_off` gets of a batch offsets, bytes, the seconds of its records, and those beside them; it
    says whether batches shall have another size.
    """

    places: Places
    manifest: Manifest
    checkpoint: Checkpoint
    plans: BatchPlans
    writers: dict[str, Writer]
    limits: Limits
    source: Source
    coalesce_below: int
    decode: Decode = decode.decode
    check: Check = lambda _end, _not_given: None
    is_stopping: Callable[[], bool] = lambda: False
    reached: Callable[[str, BatchPlan], None] = lambda _step, _plan: None
    failed: Callable[[Exception], None] = lambda _error: None
    is_off: Callable[[int, int, float, float], bool] = lambda *_: False
    _work: list[Work] = field(default_factory=list)

    def __call__(self, spark: SparkSession, _unread: DataFrame, batch: int) -> None:
        """Takes one batch. Passes failures to `failed` whole: Spark passes on only their text."""
        if self.is_stopping():
            raise StopBetweenBatches
        try:
            self._take(spark, batch)
        except (StopBetweenBatches, BatchesOfAnotherSize):
            raise
        except Exception as error:
            self.failed(error)
            raise

    def warm_up(self, spark: SparkSession) -> None:
        """Starts a worker, and has it connect: a batch of nothing, while Spark starts the query."""
        context = spark.sparkContext
        task = source.Task(self.source.fetch, self._task(self._nothing(), None))
        with suppress(Exception):  # what is wrong the first batch says
            context.parallelize([list[Range]()], 1).flatMap(task).collect()

    def _nothing(self) -> BatchPlan:
        return BatchPlan(query_id=self.manifest.query_id, batch=0, files=[], start="", end="")

    def _take(self, spark: SparkSession, batch: int) -> None:
        """Carries out the plan of the batch: the existing one, or a new one."""
        self._confirm()
        began, asked, self._work = time.monotonic(), self._asked(batch), []
        plan = self.plans.find(asked.query_id, batch, asked.start, asked.end)
        if plan is None:
            plan = self._planned(spark, asked, self._taken_before(asked))
        elif lost_tables(self.places, plan, self.writers):
            plan = self._planned(spark, _next_attempt(plan), self._taken_now(asked))
        carry_out(plan, self.writers, reached=partial(self._reached, plan))
        note_invisible(self.places, plan)
        source.note_rows(spark, self.checkpoint.query, sum(file.rows for file in plan.files))
        self.plans.forget_before(plan.query_id, batch)
        self._confirm()  # Spark notes the batch as done, and begins the next one
        if self._work and self._is_off(asked, time.monotonic() - began):
            raise BatchesOfAnotherSize

    def _confirm(self) -> None:
        """Raises LeaseError where another process takes batches now."""
        if self.places.fence:
            self.places.fence.confirm()

    def _is_off(self, asked: BatchPlan, took: float) -> bool:
        """Whether batches shall have another size, by what the records of this one took."""
        offsets = sum(each.size for each in self._ranges(asked))
        size = sum(each.bytes for each in self._work)
        seconds = max(each.seconds for each in self._work)
        return self.is_off(offsets, size, seconds, max(0.0, took - seconds))

    def _asked(self, batch: int) -> BatchPlan:
        """Returns the batch that Spark asks for, without files yet."""
        return BatchPlan(
            query_id=self.manifest.query_id,
            batch=batch,
            files=[],
            start=self.checkpoint.offsets(batch - 1),
            end=self.checkpoint.offsets(batch),
        )

    def _planned(self, spark: SparkSession, asked: BatchPlan, held: pa.Table | None) -> BatchPlan:
        """Decodes the batch into files on the executors, and writes the plan.

        First the topics are checked: whether they are the same, and still have what was read.
        """
        context = spark.sparkContext
        pieces = self._pieces(asked, context.defaultParallelism)
        work = replace(self._task(asked, held), erased=self._erased_of(asked))
        task = source.Task(self.source.fetch, work)
        came = context.parallelize(pieces, len(pieces)).flatMap(task).collect() if pieces else []
        not_given = self._checked(asked, [each for each in came if isinstance(each, Given)])
        files = [file for file in came if isinstance(file, DataFile)]
        self._work = [each for each in came if isinstance(each, Work)]
        self._reached(asked, "decoded")
        self.checkpoint.sync(asked.batch)
        plan = self.plans.write(msgspec.structs.replace(asked, files=files, invisible=not_given))
        self._reached(plan, "planned")
        return plan

    def _checked(self, asked: BatchPlan, given: list[Given]) -> dict[str, list[Run]]:
        """Returns the offsets that no reader gets, by topic.

        Raises where they may be lost, or another topic's.
        """
        extents = self._extents(asked)
        not_given = {
            topic: holes(of, [run for each in given if each.topic == topic for run in each.runs])
            for topic, of in extents.items()
        }
        ends = {t: {p: end for p, (_, end) in of.items()} for t, of in extents.items()}
        self.check(ends, not_given)
        return {topic: missing for topic, missing in not_given.items() if missing}

    def _extents(self, asked: BatchPlan) -> dict[str, Extents]:
        """Returns the offset ranges of the batch, by topic and partition."""
        extents = dict[str, Extents]()
        for each in self._ranges(asked):
            extents.setdefault(each.topic, {})[each.partition] = (each.first, each.end)
        return extents

    def _reached(self, plan: BatchPlan, step: str) -> None:
        self.reached(step, plan)

    def _pieces(self, asked: BatchPlan, cores: int) -> list[list[Range]]:
        """Returns what each task reads. A small batch is one task: one file a table and hour."""
        ranges = self._ranges(asked)
        count = source.tasks(sum(each.size for each in ranges), self.coalesce_below, cores)
        return source.pieces(ranges, count)

    def _ranges(self, asked: BatchPlan) -> list[Range]:
        return self.source.ranges(asked.start, asked.end)

    def _task(self, asked: BatchPlan, held: pa.Table | None) -> DecodeToFiles:
        return DecodeToFiles(
            roots={table.name: self.places.table(table) for table in INGEST.tables},
            commit=f"{asked.query_id}:{asked.batch}",
            name=f"part-{asked.batch:08d}",
            ingested_at=datetime.now(UTC),
            limits=self.limits,
            decode=self.decode,
            held=held,
            topic_ids=self.manifest.ids,
            umask=rights.current(),
        )

    def _erased_of(self, asked: BatchPlan) -> pa.Table:
        """Returns which events of the batch were erased on request.

        What is erased after this start was in the tables, and is decoded again only where a
        planned file is missing.
        """
        known = Absent(self.places).erased() if asked.attempt else self._erased
        return within(known, self._extents(asked))

    @cached_property
    def _erased(self) -> pa.Table:
        """The events that were erased before this start."""
        return Absent(self.places).erased()

    def _taken_before(self, asked: BatchPlan) -> pa.Table | None:
        """Returns coordinates in the tables from before a `recover` that the batch may overlap."""
        found = dict[str, Extents]()
        for topic, extents in self._extents(asked).items():
            held = self.manifest.topics[topic].held
            overlap = {
                p: (first, min(end, held[p]))
                for p, (first, end) in extents.items()
                if first < held.get(p, 0)
            }
            found |= {topic: overlap} if overlap else {}
        return self._coordinates(found) if found else None

    def _taken_now(self, asked: BatchPlan) -> pa.Table:
        """Returns coordinates of the batch in the tables, used when a planned file is missing."""
        return self._coordinates(self._extents(asked))

    def _coordinates(self, extents: Mapping[str, Extents]) -> pa.Table:
        tables = [store.open_table(self.places, table) for table in INGEST.tables]
        return pa.concat_tables(
            [store.coordinates(t, topic, of) for t in tables for topic, of in extents.items()]
        )


def _next_attempt(plan: BatchPlan) -> BatchPlan:
    return msgspec.structs.replace(plan, attempt=plan.attempt + 1, files=[])
