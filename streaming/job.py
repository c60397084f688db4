"""The ingest query, as it is drawn: records -> decode, guard, split -> files -> plan -> tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from lakehouse import decode, store
from lakehouse.decode import Limits
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, Offsets
from lakehouse.ingest.intake import Decode, DecodeToFiles
from lakehouse.ingest.plans import BatchPlan, BatchPlans, carry_out, lost_tables, note_invisible
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.runs import Run, holes
from lakehouse.paths import Places
from lakehouse.store import DataFile, Writer
from streaming import source
from streaming.fetch import Range
from streaming.guard import StopBetweenBatches
from streaming.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery


def start(records: DataFrame, ingest: Ingest, trigger: dict[str, str | bool]) -> StreamingQuery:
    """Run the query `ingest` over raw rows; `trigger` as in DataStreamWriter.trigger."""
    return (
        records.writeStream.queryName(ingest.checkpoint.query)
        .foreachBatch(partial(ingest, records.sparkSession))
        .option("checkpointLocation", ingest.checkpoint.location)
        .trigger(**trigger)  # type: ignore[arg-type]
        .start()
    )


@dataclass
class Ingest:
    """Takes one micro-batch after another, each exactly once.

    `is_stopping` is asked before a batch; `reached` hears each step once it is behind us. `check`
    raises where records that were read up to some offsets, but for some, are not to be taken.
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
    check: Callable[[Offsets, Sequence[Run]], None] = lambda _end, _not_given: None
    is_stopping: Callable[[], bool] = lambda: False
    reached: Callable[[str, BatchPlan], None] = lambda _step, _plan: None
    failed: Callable[[Exception], None] = lambda _error: None

    def __call__(self, spark: SparkSession, _unread: DataFrame, batch: int) -> None:
        """One batch. A failure is told to `failed` as it is: Spark passes on only its text."""
        if self.is_stopping():
            raise StopBetweenBatches
        try:
            self._take(spark, batch)
        except StopBetweenBatches:
            raise
        except Exception as error:
            self.failed(error)
            raise

    def _take(self, spark: SparkSession, batch: int) -> None:
        """Carry out the plan of the batch: the one that stands, or a new one."""
        asked = self._asked(batch)
        plan = self.plans.find(asked.query_id, batch, asked.start, asked.end)
        if plan is None:
            plan = self._planned(spark, asked, self._held_before(asked))
        elif lost_tables(self.places, plan, self.writers):
            plan = self._planned(spark, _next_attempt(plan), self._held_now(asked))
        carry_out(plan, self.writers, reached=partial(self._reached, plan))
        note_invisible(self.places, self.manifest.topic, plan)
        source.note_rows(spark, self.checkpoint.query, sum(file.rows for file in plan.files))
        self.plans.forget_before(plan.query_id, batch)

    def _asked(self, batch: int) -> BatchPlan:
        """The batch that Spark asks for, with no files yet."""
        return BatchPlan(
            query_id=self.manifest.query_id,
            batch=batch,
            files=[],
            start=self.checkpoint.offsets(batch - 1),
            end=self.checkpoint.offsets(batch),
        )

    def _planned(self, spark: SparkSession, asked: BatchPlan, held: pa.Table | None) -> BatchPlan:
        """Decode the batch into files on the executors, and write down which.

        Not before the topic was asked whether it is the same, and has what was read.
        """
        context = spark.sparkContext
        pieces = self._pieces(asked, context.defaultParallelism)
        task = source.Task(self.source.fetch, self._task(asked, held))
        came = context.parallelize(pieces, len(pieces)).flatMap(task).collect() if pieces else []
        not_given = self._checked(asked, [run for run in came if isinstance(run, Run)])
        files = [file for file in came if isinstance(file, DataFile)]
        self._reached(asked, "decoded")
        self.checkpoint.sync(asked.batch)
        plan = self.plans.write(msgspec.structs.replace(asked, files=files, invisible=not_given))
        self._reached(plan, "planned")
        return plan

    def _checked(self, asked: BatchPlan, given: list[Run]) -> list[Run]:
        """What of the batch no reader is given; raises where it may be lost, or another topic's."""
        ranges = {each.partition: (each.first, each.end) for each in self._ranges(asked)}
        not_given = holes(ranges, given)
        self.check({partition: end for partition, (_, end) in ranges.items()}, not_given)
        return not_given

    def _reached(self, plan: BatchPlan, step: str) -> None:
        self.reached(step, plan)

    def _pieces(self, asked: BatchPlan, cores: int) -> list[list[Range]]:
        """What each task reads. A small batch is one task: one file a table and hour."""
        ranges = self._ranges(asked)
        is_small = sum(each.size for each in ranges) < self.coalesce_below
        return source.pieces(ranges, 1 if is_small else cores)

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
            topic_id=self.manifest.topic_id,
        )

    def _held_before(self, asked: BatchPlan) -> pa.Table | None:
        """Coordinates in the tables from before a `recover`, where the batch may meet them."""
        held = self.manifest.held
        ranges = {
            each.partition: (each.first, min(each.end, held[each.partition]))
            for each in self._ranges(asked)
            if each.first < held.get(each.partition, 0)
        }
        return self._held(ranges) if ranges else None

    def _held_now(self, asked: BatchPlan) -> pa.Table:
        """Coordinates of the batch in the tables, where a planned file is missing."""
        return self._held({each.partition: each[1:] for each in self._ranges(asked)})

    def _held(self, ranges: dict[int, tuple[int, int]]) -> pa.Table:
        tables = [store.open_table(self.places, table) for table in INGEST.tables]
        return pa.concat_tables([store.coordinates(t, self.manifest.topic, ranges) for t in tables])


def _next_attempt(plan: BatchPlan) -> BatchPlan:
    return msgspec.structs.replace(plan, attempt=plan.attempt + 1, files=[])
