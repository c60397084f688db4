"""What a standby does while it waits, so that its first batch takes no longer than others.

A JVM loads what a streaming query needs when it first runs one, and a worker imports what decodes:
on a busy machine that takes as long as the lease that is waited for. The lake is only read.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehouse.paths import is_url
from lakehouse.runtime.kafka_connection import Connection
from streaming import source
from streaming.job import Ingest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LONGEST_SECONDS = 120
# Spark ends a worker that had nothing to do for a minute.
AGAIN_SECONDS = 30


@dataclass
class Warming:
    """Keeps Spark and its workers ready for the batches of `ingest`, until `end`.

    `ingest` gives None as long as no stream has written to the lake. What is wrong with Kafka or
    the lake the first batch says.
    """

    spark: SparkSession
    connection: Connection
    ingest: Callable[[], Ingest | None]
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begins, in a thread."""
        threading.Thread(target=self._run, name="warming", daemon=True).start()

    def end(self) -> None:
        """Begins nothing more, and does not wait."""
        self._over.set()

    def _run(self) -> None:
        ingest: Ingest | None = None
        while not self._over.is_set():
            with suppress(Exception):
                if ingest:
                    ingest.warm_up(self.spark)
                elif ingest := self.ingest():
                    self._first(ingest)
            self._over.wait(AGAIN_SECONDS)

    def _first(self, ingest: Ingest) -> None:
        ingest.warm_up(self.spark)
        self._open(ingest.places.checkpoints)
        with tempfile.TemporaryDirectory() as folder:
            self._query(ingest, folder)

    def _open(self, place: str) -> None:
        """Has Hadoop's connector make its pools and the clients of its store."""
        if is_url(place):
            java: Any = self.spark._jvm
            path = java.org.apache.hadoop.fs.Path(place)
            path.getFileSystem(self.spark.sparkContext._jsc.hadoopConfiguration()).exists(path)

    def _query(self, ingest: Ingest, checkpoint: str) -> None:
        """Runs one batch of the topics, of which no record is read."""
        records = source.read(self.spark, self.connection, ingest.manifest, max_offsets=1)
        query = (
            records.writeStream.queryName("warming")
            .foreachBatch(_leave)
            .option("checkpointLocation", checkpoint)
            .trigger(once=True)
            .start()
        )
        query.awaitTermination(LONGEST_SECONDS)
        query.stop()


def _leave(_records: DataFrame, _batch: int) -> None:
    """Takes a batch, and nothing of it."""
