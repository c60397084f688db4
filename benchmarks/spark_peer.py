"""The other peer: Spark as its documentation has it. Kafka source, `from_json`, Delta sink.

The same session settings, partitions of the table and records a batch as ours; no plan, no
quarantine, no check of a payload.
`python -m benchmarks.spark_peer BOOTSTRAP TOPIC FOLDER BATCH` prints a JSON line a batch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from benchmarks.meter import Meter
from lakehouse.event.fields import LogEvent
from lakehouse.event.schema import arrow_fields, struct_type
from lakehouse.runtime.session import session
from lakehouse.settings import load

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

POLL_SECONDS = 0.2


def main(bootstrap: str, topic: str, folder: str, batch: int) -> None:
    """Take the whole topic, and end."""
    spark = session(load(lake=folder, spark_ui_port=4051), "spark-peer")
    meter = Meter(os.getpid())
    events = _events(_records(spark, bootstrap, topic, batch))
    query = (
        events.writeStream.format("delta")
        .partitionBy("date", "hour")
        .option("checkpointLocation", f"{folder}/checkpoint")
        .trigger(availableNow=True)
        .start(f"{folder}/events")
    )
    for rows, at in _batches(query):
        print(json.dumps({"rows": rows, "at": at, "cpu": meter.usage().total}), flush=True)
    spark.stop()


def _records(spark: SparkSession, bootstrap: str, topic: str, batch: int) -> DataFrame:
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", batch)
        .load()
    )


def _events(records: DataFrame) -> DataFrame:
    import pyarrow as pa
    from pyspark.sql import functions as F

    schema = struct_type(pa.schema(arrow_fields(LogEvent)))
    event = F.from_json(F.col("value").cast("string"), schema)
    return (
        records.select(event.alias("event"), "partition", "offset")
        .select("event.*", "partition", "offset")
        .withColumn("date", F.to_date("timestamp"))
        .withColumn("hour", F.hour("timestamp"))
    )


def _batches(query: StreamingQuery) -> Iterator[tuple[int, float]]:
    """Yields of each batch its rows and when it ended, shortly after that."""
    seen = -1
    is_active = True
    while is_active:
        is_active = query.isActive
        for each in query.recentProgress:
            if each["batchId"] > seen and each["numInputRows"]:
                seen = each["batchId"]
                began = datetime.fromisoformat(each["timestamp"])
                seconds = each["durationMs"]["triggerExecution"] / 1000
                yield each["numInputRows"], began.timestamp() + seconds
        time.sleep(POLL_SECONDS)
    if error := query.exception():
        raise error


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
