"""Kafka to raw rows: value and coordinates, nothing parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RAW_COLUMNS = (
    "value",
    "topic AS _topic",
    "partition AS _partition",
    "offset AS _offset",
    "timestamp AS _kafka_timestamp",
)


def read(
    spark: SparkSession, bootstrap: str, topic: str, starting: str, max_offsets: int
) -> DataFrame:
    """The records of a topic as a stream; the first batch begins at `starting` (JSON offsets)."""
    options = {
        "kafka.bootstrap.servers": bootstrap,
        "subscribe": topic,
        "startingOffsets": starting,
        "maxOffsetsPerTrigger": str(max_offsets),
        "failOnDataLoss": "true",
        "kafka.fetch.max.wait.ms": "50",
        # Spark's own patience is minutes, and a stop waits for it
        "kafka.request.timeout.ms": "10000",
        "kafka.default.api.timeout.ms": "10000",
        "fetchOffset.numRetries": "1",
    }
    records = spark.readStream.format("kafka").options(**options).load()
    return records.selectExpr(*RAW_COLUMNS)
