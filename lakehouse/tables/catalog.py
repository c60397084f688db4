"""Every table of the lake as a value."""

from __future__ import annotations

import pyarrow as pa

from lakehouse.event.schema import UTC_TIMESTAMP, arrow_field, event_fields
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.tables.table import Table

ORIGIN = [
    arrow_field("_topic", pa.string(), "topic, or file:<sha256>", nullable=False),
    arrow_field("_partition", pa.int32(), "partition of the topic; 0 in a file", nullable=False),
    arrow_field("_offset", pa.int64(), "offset in the partition; record in a file", nullable=False),
    arrow_field("_kafka_timestamp", UTC_TIMESTAMP, "when the broker took it", nullable=False),
]
ITEM_AND_SOURCE = [
    arrow_field("_item", pa.int32(), "number of the event in its record; NULL where it is alone"),
    arrow_field("_source", pa.string(), "source of the record, as in conf/sources.toml"),
]
BROUGHT_BY = [
    arrow_field("_ingested_at", UTC_TIMESTAMP, "when its batch was decoded", nullable=False),
    arrow_field("_commit", pa.string(), "commit that brought it: <writer>:<batch>", nullable=False),
    arrow_field("_topic_id", pa.string(), "tells the topic from others of its name; NULL: a file"),
]


LOGS = Table(
    name="logs",
    comment="valid events, one row an event of the topic",
    columns=pa.schema([*event_fields(), *ORIGIN, *ITEM_AND_SOURCE, *BROUGHT_BY]),
    partition_by=("date", "hour"),
    statistics=("timestamp", "service", "endpoint", "status_code", "ip", "_partition", "_offset"),
    order_by=("endpoint", "status_code"),
)
# Rows of one time in the order that they came in: any two questions give the same first rows.
NEWEST_FIRST = "timestamp DESC, _partition DESC, _offset DESC, _item DESC NULLS LAST"

QUARANTINE = Table(
    name="quarantine",
    comment="rejected records (dead letters); open while their coordinates are not in logs",
    columns=pa.schema(
        [
            arrow_field("reason", pa.string(), "code of the fault", nullable=False),
            arrow_field("detail", pa.string(), "the fault in words", nullable=False),
            arrow_field("payload", pa.string(), "what came: text, or base64 of its bytes"),
            arrow_field("payload_encoding", pa.string(), "utf-8 or base64"),
            arrow_field("payload_length", pa.int64(), "[By] before it was capped"),
            arrow_field("payload_sha256", pa.string(), "of the whole payload, hexadecimal"),
            arrow_field(
                "headers", pa.string(), "of its record in Kafka, JSON: [[name, value], ...]"
            ),
            arrow_field("date", pa.date32(), "day of the broker's time, a partition", False),
            *ORIGIN,
            *ITEM_AND_SOURCE,
            *BROUGHT_BY,
        ]
    ),
    partition_by=("date",),
    statistics=("reason", "_partition", "_offset", "_kafka_timestamp"),
)

SHARE = pa.struct([("kind", pa.string()), ("name", pa.string()), ("share", pa.float64())])

ANOMALIES = Table(
    name="anomalies",
    comment="incidents, a row each: what was seen, what was expected, who made it",
    columns=pa.schema(
        [
            arrow_field(
                "incident_id", pa.string(), "hash of key, measure, direction, opening", False
            ),
            arrow_field("date", pa.date32(), "day of opening, a partition", nullable=False),
            arrow_field("status", pa.string(), "open, closed or withdrawn", nullable=False),
            arrow_field("scope", pa.string(), "global, service, endpoint or address", False),
            arrow_field("key", pa.string(), "whose minutes they are, in words"),
            arrow_field("service", pa.string(), "service, empty for all"),
            arrow_field("endpoint", pa.string(), "endpoint, empty for all"),
            arrow_field("ip", pa.string(), "address, empty for none"),
            arrow_field(
                "measure", pa.string(), "traffic, client_errors, server_errors, latency, address"
            ),
            arrow_field("direction", pa.string(), "up, down, silence, or the rule of an address"),
            arrow_field("opened", UTC_TIMESTAMP, "the minute that opened it", nullable=False),
            arrow_field("last_breach", UTC_TIMESTAMP, "the last minute that surprised", False),
            arrow_field("closed", UTC_TIMESTAMP, "the minute that closed it; NULL while open"),
            arrow_field("duration_minutes", pa.int64(), "from opening to the last breach [min]"),
            arrow_field("observed", pa.float64(), "seen in its worst minutes"),
            arrow_field("expected", pa.float64(), "expected there"),
            arrow_field("lower", pa.float64(), "least that would have been no surprise"),
            arrow_field("upper", pa.float64(), "most that would have been no surprise"),
            arrow_field("ratio", pa.float64(), "observed by expected"),
            arrow_field("n", pa.float64(), "requests that the numbers rest on"),
            arrow_field("surprise_opened", pa.float64(), "-log10 of its chance when it opened"),
            arrow_field("surprise_peak", pa.float64(), "-log10 of its chance at its worst"),
            arrow_field("severity", pa.string(), "info, warning or critical"),
            arrow_field("usual_when", pa.string(), "the hour of the week that it fell into"),
            arrow_field("usual_lower", pa.float64(), "usual then, at least"),
            arrow_field("usual_upper", pa.float64(), "usual then, at most"),
            arrow_field("reasons", pa.list_(pa.string()), "why it opened, and what became of it"),
            arrow_field("contributors", pa.list_(SHARE), "who made it: kind, name, share"),
            arrow_field("sample_event_ids", pa.list_(pa.string()), "of its first minutes"),
            arrow_field("parent", pa.string(), "incident that it is a part of, empty for none"),
            arrow_field("muted", pa.bool_(), "its key was muted when it last changed: not sent"),
            arrow_field("of_past", pa.bool_(), "it was found in history: not sent"),
            arrow_field("rule", pa.string(), "the rule of one's own that raised it, else empty"),
            arrow_field("labels", pa.list_(pa.string()), "labels of that rule, as name=value"),
            arrow_field("runbook", pa.string(), "what to read then, an address"),
            arrow_field("message", pa.string(), "what the rule says to whoever reads it"),
            arrow_field("config", pa.string(), "hash of the constants it was judged by"),
            arrow_field("folded_to", UTC_TIMESTAMP, "the last closed minute it was made from"),
            arrow_field("sentence", pa.string(), "all of it in one sentence"),
        ]
    ),
    partition_by=("date",),
    statistics=("incident_id", "opened"),
)

TABLES = {
    table.name: table
    for table in (
        LOGS,
        QUARANTINE,
        *(rollup.table() for rollup in ROLLUPS.values()),
        ANOMALIES,
    )
}

__all__ = ["ANOMALIES", "LOGS", "QUARANTINE", "TABLES", "Table"]
