"""Every table of the lake as a value."""

from __future__ import annotations

import pyarrow as pa

from lakehouse.rollup import ROLLUPS
from lakehouse.schema import UTC_TIMESTAMP, arrow_field, event_fields
from lakehouse.table import Table

ORIGIN = [
    arrow_field("_topic", pa.string(), "topic, or file:<sha256>", nullable=False),
    arrow_field("_partition", pa.int32(), "partition of the topic; 0 in a file", nullable=False),
    arrow_field("_offset", pa.int64(), "offset in the partition; record in a file", nullable=False),
    arrow_field("_kafka_timestamp", UTC_TIMESTAMP, "when the broker took it", nullable=False),
]
BROUGHT_BY = [
    arrow_field("_ingested_at", UTC_TIMESTAMP, "when its batch was decoded", nullable=False),
    arrow_field("_commit", pa.string(), "commit that brought it: <writer>:<batch>", nullable=False),
]


LOGS = Table(
    name="logs",
    comment="valid events, one row a record of the topic",
    columns=pa.schema(event_fields() + ORIGIN + BROUGHT_BY),
    partition_by=("date", "hour"),
    statistics=("timestamp", "service", "endpoint", "status_code", "ip", "_partition", "_offset"),
    order_by=("endpoint", "status_code"),
)

QUARANTINE = Table(
    name="quarantine",
    comment="rejected records; open while their coordinates are not in logs",
    columns=pa.schema(
        [
            arrow_field("reason", pa.string(), "code of the fault", nullable=False),
            arrow_field("detail", pa.string(), "the fault in words", nullable=False),
            arrow_field("payload", pa.string(), "what came: text, or base64 of its bytes"),
            arrow_field("payload_encoding", pa.string(), "utf-8 or base64"),
            arrow_field("payload_length", pa.int64(), "[By] before it was capped"),
            arrow_field("payload_sha256", pa.string(), "of the whole payload, hexadecimal"),
            arrow_field("date", pa.date32(), "day of the broker's time, a partition", False),
            *ORIGIN,
            *BROUGHT_BY,
        ]
    ),
    partition_by=("date",),
    statistics=("reason", "_partition", "_offset", "_kafka_timestamp"),
)

TABLES = {
    table.name: table
    for table in (LOGS, QUARANTINE, *(rollup.table() for rollup in ROLLUPS.values()))
}

__all__ = ["LOGS", "QUARANTINE", "TABLES", "Table"]
