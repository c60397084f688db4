"""The real ingest query over files of raw rows, one file a batch, in place of Kafka."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from support.lakes import LIMITS, TABLES, Lake

from lakehouse import decode
from lakehouse.ingest.intake import Decode
from lakehouse.ingest.plans import BatchPlan
from lakehouse.store import Writer
from streaming import job

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RAW_SCHEMA = "value binary, _topic string, _partition int, _offset long, _kafka_timestamp timestamp"


class Crash(Exception):
    """Stands for the end of the process."""


@dataclass
class Job:
    """The ingest query of a lake; `steps` are all that it came past, as `step:batch`."""

    lake: Lake
    spark: SparkSession
    source: Path
    steps: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def arrive(self, *batches: pa.RecordBatch) -> None:
        """Let records arrive, a file each, in this order."""
        self.source.mkdir(exist_ok=True)
        for batch in batches:
            number = len([*self.source.glob("*.parquet")])
            file = self.source / f"{number:03}.parquet"
            pq.write_table(pa.Table.from_batches([batch]), file)
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))

    def run(
        self,
        crash: str = "",
        decoding: Decode = decode.decode,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take all that is there; end at `crash` (`step:batch`) as a killed process would."""
        from pyspark.errors import StreamingQueryException

        self.failure = None
        ingest = self._ingest(crash, decoding, is_stopping)
        query = job.start(self._records(), ingest, ONCE)
        try:
            query.awaitTermination(120)
        except StreamingQueryException:
            if not (isinstance(self.failure, Crash) or is_stopping()):
                raise

    def _records(self) -> DataFrame:
        files = self.spark.readStream.schema(RAW_SCHEMA).option("maxFilesPerTrigger", 1)
        return files.parquet(str(self.source))

    def _ingest(self, crash: str, decoding: Decode, is_stopping: Callable[[], bool]) -> job.Ingest:
        lake = self.lake

        def reached(step: str, plan: BatchPlan) -> None:
            self.steps.append(f"{step}:{plan.batch}")
            if self.steps[-1] == crash:
                raise Crash(crash)

        return job.Ingest(
            places=lake.places,
            manifest=lake.checkpoint.manifest() or lake.adopt({0: 0}),
            checkpoint=lake.checkpoint,
            plans=lake.plans,
            writers={t.name: Writer(lake.places, t) for t in TABLES},
            limits=LIMITS,
            coalesce_below=20_000,
            decode=decoding,
            is_stopping=is_stopping,
            reached=reached,
            failed=lambda error: setattr(self, "failure", error),
        )


ONCE: dict[str, str | bool] = {"availableNow": True}
