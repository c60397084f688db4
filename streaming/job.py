"""The ingest query, as it is drawn: records -> decode, guard, split -> files -> plan -> tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from lakehouse import decode, store
from lakehouse.decode import Limits
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, parse_offsets
from lakehouse.ingest.intake import DESCRIPTION, Decode, DecodeToFiles, described
from lakehouse.ingest.plans import Plan, Plans, is_whole
from lakehouse.paths import Places
from lakehouse.store import Writer
from lakehouse.store.commit import is_done
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming.query import StreamingQuery

COMMIT_ORDER = (QUARANTINE, LOGS)


class StopBetweenBatches(Exception):
    """Raised instead of a batch, before it did anything, when a stop was asked for."""


def start(records: DataFrame, ingest: Ingest, trigger: dict[str, str | bool]) -> StreamingQuery:
    """Run the query `ingest` over raw rows; `trigger` as in DataStreamWriter.trigger."""
    return (
        records.writeStream.queryName(ingest.checkpoint.query)
        .foreachBatch(ingest)
        .option("checkpointLocation", ingest.checkpoint.location)
        .trigger(**trigger)  # type: ignore[arg-type]
        .start()
    )


@dataclass
class Ingest:
    """Takes one micro-batch after another, each exactly once.

    `is_stopping` is asked before a batch; `reached` hears each step once it is behind us.
    """

    places: Places
    manifest: Manifest
    checkpoint: Checkpoint
    plans: Plans
    writers: dict[str, Writer]
    limits: Limits
    coalesce_below: int
    decode: Decode = decode.decode
    is_stopping: Callable[[], bool] = lambda: False
    reached: Callable[[str, Plan], None] = lambda _step, _plan: None
    failed: Callable[[Exception], None] = lambda _error: None

    def __call__(self, records: DataFrame, batch: int) -> None:
        """One batch. A failure is told to `failed` as it is: Spark passes on only its text."""
        if self.is_stopping():
            raise StopBetweenBatches
        try:
            self._take(records, batch)
        except Exception as error:
            self.failed(error)
            raise

    def _take(self, records: DataFrame, batch: int) -> None:
        """The plan that stands is carried out, or a new one is made."""
        asked = Plan(
            query_id=self.manifest.query_id,
            batch=batch,
            files=[],
            start=self.checkpoint.offsets(batch - 1),
            end=self.checkpoint.offsets(batch),
        )
        plan = self.plans.find(asked.query_id, batch, asked.start, asked.end)
        if plan is None:
            plan = self._plan(records, asked, self._held_before(asked))
        elif self._lost(plan):
            plan = self._plan(records, _again(plan), self._held_now(records))
        self._commit(plan)
        self.plans.forget(plan.query_id, before=batch)

    def _plan(self, records: DataFrame, asked: Plan, held: pa.Table | None) -> Plan:
        """Decode the batch into files, and write down which."""
        rows = (
            self._narrow(records, asked).mapInArrow(self._task(asked, held), DESCRIPTION).collect()
        )
        files = [described(row.file) for row in rows]
        self.reached("decoded", asked)
        plan = self.plans.write(_with_files(asked, files))
        self.reached("planned", plan)
        return plan

    def _commit(self, plan: Plan) -> None:
        for table in COMMIT_ORDER:
            if plan.files_of(table.name):
                self.writers[table.name].commit(plan.files_of(table.name), plan.key(table.name))
            self.reached(table.name, plan)

    def _lost(self, plan: Plan) -> bool:
        """Whether a file that is still to be committed is missing, or has another size."""
        open_tables = [table.name for table in COMMIT_ORDER if not self._is_committed(table, plan)]
        return not all(is_whole(self.places, plan, table) for table in open_tables)

    def _is_committed(self, table: Table, plan: Plan) -> bool:
        key = plan.key(table.name)
        return is_done(self.writers[table.name].last(key.app), key)

    def _narrow(self, records: DataFrame, asked: Plan) -> DataFrame:
        """A small batch as one task: one file a table and hour."""
        first, end = (parse_offsets(text, self.manifest.topic) for text in (asked.start, asked.end))
        size = sum(offset - first.get(partition, 0) for partition, offset in end.items())
        return records.coalesce(1) if size < self.coalesce_below else records

    def _task(self, asked: Plan, held: pa.Table | None) -> DecodeToFiles:
        return DecodeToFiles(
            roots={table.name: self.places.table(table) for table in COMMIT_ORDER},
            commit=f"{asked.query_id}:{asked.batch}",
            name=f"part-{asked.batch:08d}",
            ingested_at=datetime.now(UTC),
            limits=self.limits,
            decode=self.decode,
            held=held,
        )

    def _held_before(self, asked: Plan) -> pa.Table | None:
        """Coordinates in the tables from before a `recover`, where the batch may meet them."""
        first, end = (parse_offsets(text, self.manifest.topic) for text in (asked.start, asked.end))
        ranges = {
            partition: (first.get(partition, 0), min(end[partition], held))
            for partition, held in self.manifest.held.items()
            if partition in end and first.get(partition, 0) < held
        }
        return self._held(ranges) if ranges else None

    def _held_now(self, records: DataFrame) -> pa.Table:
        """Coordinates of the batch in the tables, where a planned file is missing."""
        from pyspark.sql import functions as F

        bounds = records.groupBy("_partition").agg(
            F.min("_offset").alias("low"), F.max("_offset").alias("high")
        )
        ranges = {row._partition: (row.low, row.high + 1) for row in bounds.collect()}
        return self._held(ranges)

    def _held(self, ranges: dict[int, tuple[int, int]]) -> pa.Table:
        tables = [store.open_table(self.places, table) for table in COMMIT_ORDER]
        return pa.concat_tables([store.coordinates(t, self.manifest.topic, ranges) for t in tables])


def _again(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, attempt=plan.attempt + 1, files=[])


def _with_files(plan: Plan, files: list[store.DataFile]) -> Plan:
    return msgspec.structs.replace(plan, files=files)
