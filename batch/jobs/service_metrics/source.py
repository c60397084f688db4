"""Where events come from: files of JSON lines, or the lake; either as rows of `ROWS`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from batch.jobs.exchange import LOCAL, Exchange
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# A file is read by one task: several files a task, so that a large one leaves the others busy.
TASKS_A_CORE = 8
LAKE_NAMES = {"source": "_topic", "partition": "_partition", "line": "_offset"}


class Source(Protocol):
    """What a job reads."""

    def rows(self, spark: SparkSession) -> DataFrame:
        """A row (`ROWS`) for each line: an event, or a reject, which has a reason."""

    def lines(self) -> int:
        """How many lines there are, counted by other means than `rows`."""

    def bytes(self) -> int | None:
        """The size of the files on disk."""


@dataclass(frozen=True)
class Files:
    """JSON lines, plain or gzip; executors get them by `exchange`."""

    files: tuple[Path, ...]
    exchange: Exchange = LOCAL

    def rows(self, spark: SparkSession) -> DataFrame:
        """A row for each line, read and decoded by executors, a file by one task."""
        from batch.jobs.service_metrics.reading import ROWS, ReadFiles
        from lakehouse.event.schema import struct_type

        names = tuple(str(file.absolute()) for file in self.files)
        tasks = min(len(names), TASKS_A_CORE * spark.sparkContext.defaultParallelism)
        numbers = spark.range(0, len(names), 1, tasks)
        places = tuple(map(self.exchange.given, self.files))
        return numbers.mapInArrow(ReadFiles(names, places), struct_type(ROWS))

    def lines(self) -> int:
        """Line ends, and a last line without one."""
        return sum(_line_ends(file) for file in self.files)

    def bytes(self) -> int:
        """The size of the files on disk."""
        return sum(file.stat().st_size for file in self.files)


@dataclass(frozen=True)
class Lake:
    """The table `logs` at a version; what was no event was rejected at ingest."""

    places: Places
    version: int

    @classmethod
    def newest(cls, places: Places) -> Lake:
        """The table as it is now; TableError where there is none."""
        return cls(places, store.open_table(places, LOGS).version())

    def rows(self, spark: SparkSession) -> DataFrame:
        """A row for each event."""
        from batch.jobs.service_metrics.reading import EVENT, ROWS

        logs = spark.read.format("delta").option("versionAsOf", self.version)
        there = [f"{LAKE_NAMES.get(f.name, f.name)} AS {f.name}" for f in EVENT]
        absent = [
            f"CAST(NULL AS STRING) AS {f.name}"
            for f in ROWS
            if f.name not in {one.name for one in EVENT}
        ]
        return logs.load(self.places.table(LOGS)).selectExpr(*there, *absent)

    def lines(self) -> int:
        """Rows, as the log of the table counts them."""
        return int(store.open_table(self.places, LOGS, version=self.version).count())

    def bytes(self) -> None:
        """Not known: only the columns that are needed are read."""


def _line_ends(file: Path) -> int:
    from lakehouse.event.textfile import opened, refused

    ends, last = 0, b"\n"
    with opened(file) as read, refused(file):
        while block := read.read(1 << 20):
            ends, last = ends + block.count(b"\n"), block[-1:]
    return ends + (last != b"\n")
