"""A query that closes windows, as drawn: logs -> watermark -> windows -> final ones -> tables.

Append mode reports once that a window is final. Its numbers are counted from `logs` at that time,
so they include late rows that came in time, and equal a recount by construction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import Rollup
from lakehouse.windows.close import Closed, close
from lakehouse.windows.horizon import last_closed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery


class StopBetweenCommits(Exception):
    """Raised between two commits, when a stop was asked for."""


@dataclass(frozen=True)
class WindowsReport:
    """Windows that a batch closed, up to `horizon`."""

    horizon: datetime
    closed: Sequence[Closed]
    seconds: float

    @property
    def line(self) -> str:
        """Returns one line for a person."""
        of = {name: [c for c in self.closed if c.table == name] for name in self._names}
        tables = ", ".join(
            f"{name} {sum(c.rows for c in each):,} rows" for name, each in of.items()
        )
        count = max(sum(c.windows for c in each) for each in of.values())
        return (
            f"closed up to {self.horizon:%Y-%m-%d %H:%M} UTC: {count:,} windows of "
            f"{self.requests:,} requests, {tables}  {self.seconds:.2f} s"
        )

    @property
    def requests(self) -> int:
        """How many rows of `logs` the windows count."""
        return max(sum(c.requests for c in self.closed if c.table == n) for n in self._names)

    @property
    def _names(self) -> list[str]:
        return sorted({closed.table for closed in self.closed})


def read(spark: SparkSession, places: Places) -> DataFrame:
    """Returns the times of all rows of `logs` as a stream: existing rows, then each new commit.

    Commits that delete or replace rows are skipped.
    """
    options = {"skipChangeCommits": "true", "maxFilesPerTrigger": "10000"}
    rows = spark.readStream.format("delta").options(**options).load(places.table(LOGS))
    return rows.select("timestamp")


def final_windows(times: DataFrame, late: timedelta, window: timedelta) -> DataFrame:
    """Returns one row a window, once the newest event is `late` after its end."""
    from pyspark.sql import functions as F

    return (
        times.withWatermark("timestamp", f"{late // timedelta(milliseconds=1)} milliseconds")
        .groupBy(F.window("timestamp", f"{window // timedelta(minutes=1)} minutes"))
        .count()
    )


def start(windows: DataFrame, closing: Closing, trigger: dict[str, str | bool]) -> StreamingQuery:
    """Starts the query with the checkpoint of `closing`; `trigger` as in DataStreamWriter."""
    return (
        windows.writeStream.queryName(closing.checkpoint.query)
        .outputMode("append")
        .foreachBatch(closing)
        .option("checkpointLocation", closing.checkpoint.location)
        .trigger(**trigger)  # type: ignore[arg-type]
        .start()
    )


@dataclass
class Closing:
    """Closes every window that the watermark of a batch has passed; a repeat changes nothing.

    A stop ends it between two commits; the next start repeats the batch and continues. `reached` is
    called when windows are final, and with the table of each commit.
    """

    places: Places
    checkpoint: Checkpoint
    rollups: Sequence[Rollup]
    is_stopping: Callable[[], bool] = lambda: False
    on_closed: Callable[[WindowsReport], None] = lambda _report: None
    reached: Callable[[str], None] = lambda _step: None
    failed: Callable[[Exception], None] = lambda _error: None

    def __call__(self, final: DataFrame, batch: int) -> None:
        """Takes one batch. Passes failures to `failed` whole: Spark passes on only their text."""
        try:
            final.collect()  # the state moves on only where its rows are read
            self._close(batch)
        except Exception as error:
            self.failed(error)
            raise

    def _close(self, batch: int) -> None:
        watermark = self.checkpoint.watermark(batch)
        if watermark is None:
            return
        began, horizon = time.monotonic(), last_closed(watermark, self.rollups[0].window)
        self.reached("final")
        closed: list[Closed] = []
        for rollup in self.rollups:
            for done in close(self.places, rollup, horizon):
                closed.append(done)
                self.reached(done.table)
                if self.is_stopping():
                    raise StopBetweenCommits
        if closed:
            self.on_closed(WindowsReport(horizon, closed, time.monotonic() - began))
