"""A batch of raw rows to events and rejects."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

import pyarrow as pa

from lakehouse.decode.derived import derived_columns
from lakehouse.decode.guard import Limits, guard
from lakehouse.decode.parser import columns, parse
from lakehouse.decode.rejects import reject_rows
from lakehouse.event.fields import LogEvent
from lakehouse.event.schema import arrow_fields
from lakehouse.tables.catalog import BROUGHT_BY, LOGS, ORIGIN

# Raised whenever a verdict or a derived value may differ from what an earlier version gave.
VERSION = 2
RAW = pa.schema([pa.field("value", pa.binary()), *ORIGIN])
EVENTS = pa.schema([f for f in LOGS.columns if f not in BROUGHT_BY])
_FOUND = pa.schema([*arrow_fields(LogEvent), *ORIGIN])


class Decoded(NamedTuple):
    """What came of a batch; each raw row is in one of the two, in its order."""

    events: pa.Table
    rejects: pa.Table


def decode(raw: pa.RecordBatch, limits: Limits) -> Decoded:
    """Events and rejects of raw rows (`RAW`), without `_ingested_at` and `_commit`.

    The same whatever batches the rows come in. Never raises for what a payload holds.
    """
    parsed, faults = parse(raw.column("value"))
    rows = [row for row in range(raw.num_rows) if row not in faults]
    events = _with_origin(parsed, raw.take(pa.array(rows, pa.int64())) if faults else raw)
    outside = guard(events.column("timestamp"), events.column("_kafka_timestamp"), limits)
    if outside:
        faults |= {rows[place]: fault for place, fault in outside.items()}
        events = _without(events, outside)
    return Decoded(_with_derived(events), reject_rows(raw, faults, limits.payload_cap))


def _with_origin(parsed: list[Any], raw: pa.RecordBatch) -> pa.RecordBatch:
    origin = [raw.column(f.name) for f in ORIGIN]
    return pa.RecordBatch.from_arrays(columns(parsed) + origin, schema=_FOUND)


def _without(events: pa.RecordBatch, places: Container[int]) -> pa.RecordBatch:
    return events.filter(pa.array([row not in places for row in range(events.num_rows)]))


def _with_derived(events: pa.RecordBatch) -> pa.Table:
    derived = derived_columns(
        *(events.column(n) for n in ("timestamp", "status_code", "user_agent"))
    )
    count = len(_FOUND) - len(ORIGIN)
    arrays = [*events.columns[:count], *derived, *events.columns[count:]]
    return pa.Table.from_batches([pa.RecordBatch.from_arrays(arrays, schema=EVENTS)])
