"""Open quarantine decoded again, after a fix: what passes now goes to logs, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode import RAW, Limits, original
from lakehouse.ingest.intake import Decode, stamped
from lakehouse.ingest.queries import REPLAY
from lakehouse.maintenance.retention_marks import retained_from
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.store import Key, Writer, open_table
from lakehouse.tables.catalog import LOGS

ROWS_AT_ONCE = 2_000
OPEN = """
SELECT payload, payload_encoding, payload_length, payload_sha256,
    _topic, _partition, _offset, _kafka_timestamp, _topic_id
FROM quarantine AS q WHERE NOT EXISTS (
    SELECT 1 FROM logs
    WHERE _topic = q._topic AND _partition = q._partition AND _offset = q._offset)
"""


@dataclass(frozen=True)
class Replay:
    """How many open records were looked at, passed, and cannot be had back from the table."""

    looked_at: int
    passed: int
    capped: int


def replay_quarantine(places: Places, logs: Writer, limits: Limits, decode: Decode) -> Replay:
    """Decode open quarantine again; add what passes to `logs` with its original coordinates.

    What is in `logs` is open no more, so a repeat, also after a crash, adds nothing twice. What
    `retain` deleted from `logs` looks open again: events of dates before its first are left out.
    """
    looked_at = passed = capped = 0
    with REPLAY.alone(places), current(places) as held:
        first = retained_from(open_table(places, LOGS))
        for topic_id, rows in _by_topic(held.batches(OPEN, ROWS_AT_ONCE)):
            raw, lost = _raw(rows)
            events = _kept(decode(raw, limits).events, first)
            if events.num_rows:
                _append(logs, events, topic_id)
            looked_at, capped = looked_at + rows.num_rows, capped + lost
            passed += events.num_rows
    return Replay(looked_at, passed, capped)


def _by_topic(
    batches: Iterable[pa.RecordBatch],
) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    """Rows of one topic each, with its id: NULL of files, and of rows from before there was one."""
    for rows in batches:
        for topic_id in rows["_topic_id"].unique():
            is_of = pc.equal(rows["_topic_id"], topic_id)
            part = rows.filter(is_of if topic_id.is_valid else pc.is_null(rows["_topic_id"]))
            yield topic_id.as_py(), part


def _raw(rows: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """The records as they came, and how many were capped: those cannot be decoded again."""
    payloads = pa.array([original(row) for row in rows.to_pylist()], pa.binary())
    capped = payloads.null_count - rows["payload"].null_count
    columns = [payloads, *(rows[name] for name in RAW.names[1:])]
    return pa.record_batch(columns, schema=RAW), capped


def _kept(events: pa.Table, first: date | None) -> pa.Table:
    return events if first is None else events.filter(pc.field("date") >= pa.scalar(first))


def _append(logs: Writer, events: pa.Table, topic_id: str | None) -> None:
    last = logs.last(REPLAY.name)
    batch = 0 if last is None else last + 1
    rows = stamped(events, LOGS.columns, datetime.now(UTC), f"{REPLAY.name}:{batch}", topic_id)
    logs.append(rows, Key(REPLAY.name, batch))
