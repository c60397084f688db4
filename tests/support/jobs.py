"""The real ingest query over files of raw rows, one file a batch, in place of Kafka."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from support.lakes import LIMITS, TABLES, TOPIC, Lake

from lakehouse import decode
from lakehouse.decode import RAW
from lakehouse.ingest.intake import Decode
from lakehouse.ingest.plans import BatchPlan
from lakehouse.store import Writer
from streaming import job
from streaming.records import Range
from streaming.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RAW_SCHEMA = "value binary, _topic string, _partition int, _offset long, _kafka_timestamp timestamp"


@dataclass(frozen=True)
class Files:
    """The rows of ranges out of files of one partition."""

    folder: str

    def __call__(self, ranges: Sequence[Range]) -> Iterator[pa.RecordBatch]:
        for _, _, first, end in ranges:
            rows = pq.read_table(self.folder, schema=RAW)
            offset = pc.field("_offset")
            yield from rows.filter((offset >= first) & (offset < end)).to_batches()


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

    def _ranges(self, start: str, end: str) -> list[Range]:
        """The records of the files of a batch; offsets of Spark's file source number files."""
        first, last = (json.loads(text).get("logOffset", -1) for text in (start, end))
        files = sorted(self.source.glob("*.parquet"))[first + 1 : last + 1]
        offsets = [o for file in files for o in pq.read_table(file)["_offset"].to_pylist()]
        return [Range(TOPIC.name, 0, min(offsets), max(offsets) + 1)] if offsets else []

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
            source=Source(self._ranges, Files(str(self.source))),
            coalesce_below=20_000,
            decode=decoding,
            is_stopping=is_stopping,
            reached=reached,
            failed=lambda error: setattr(self, "failure", error),
        )


ONCE: dict[str, str | bool] = {"availableNow": True}
