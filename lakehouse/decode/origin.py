"""What a row has of where it came from: its time and its name, where its message has none. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.guard import Limits, guard
from lakehouse.decode.record_time import valid
from lakehouse.decode.rules import Rules
from lakehouse.event.schema import UTC_TIMESTAMP

EVENT, BROKER, PREVIOUS = "event", "broker", "previous"
FILE = "file:"
# The time of the last event by topic and partition: what `previous` goes on from.
Before = MutableMapping[tuple[str, int], int]


def times(
    timestamps: pa.Array, origin: pa.RecordBatch, rules: Rules, limits: Limits, before: Before
) -> tuple[pa.Array, pa.Array]:
    """Every event's time, and where it is from.

    With `previous` it is that of the event before it in its partition that is within the limits;
    where none was, the rules' first time, or else the broker's.
    """
    count, taken = len(timestamps), valid(origin.column("_kafka_timestamp"))
    if rules.on_missing_time != PREVIOUS and not timestamps.null_count:
        return timestamps, pa.repeat(EVENT, count)
    own, other = timestamps.is_valid(), rules.first_time_from if rules.first_time else BROKER
    if rules.on_missing_time == PREVIOUS:
        timestamps = _continued(timestamps, origin, limits, before)
    copied = pc.if_else(timestamps.is_valid(), PREVIOUS, other)
    first = pa.scalar(rules.first_time, UTC_TIMESTAMP) if rules.first_time else taken
    return pc.coalesce(timestamps, first), pc.if_else(own, EVENT, copied)


def _continued(
    timestamps: pa.Array, origin: pa.RecordBatch, limits: Limits, before: Before
) -> pa.Array:
    """Each missing time as that of the last event before, of the same partition."""
    found = timestamps.cast(pa.int64()).to_pylist()
    outside = guard(timestamps, origin.column("_kafka_timestamp"), limits)
    topics, partitions = (origin.column(name).to_pylist() for name in ("_topic", "_partition"))
    for row, partition in enumerate(zip(topics, partitions, strict=True)):
        if found[row] is None:
            found[row] = before.get(partition)
        elif row not in outside:
            before[partition] = found[row]
    return pa.array(found, pa.int64()).cast(UTC_TIMESTAMP)


def event_ids(given: pa.Array, origin: pa.RecordBatch, items: pa.Array) -> pa.Array:
    """Every event's name: its own, or one made of topic, partition, offset and `_item`.

    The same at a replay. An event of a file is named by the file's content and its record.
    """
    if not given.null_count:
        return given
    parts = [origin.column(n).cast(pa.string()) for n in ("_topic", "_partition", "_offset")]
    made = pc.binary_join_element_wise(*parts, "/")
    inner = pc.binary_join_element_wise(made, items.cast(pa.string()), "/")
    return pc.coalesce(given, _of_files(origin, items), inner, made)


def _of_files(origin: pa.RecordBatch, items: pa.Array) -> pa.Array:
    topics, count = origin.column("_topic"), origin.num_rows
    if not pc.any(pc.starts_with(topics, FILE)).as_py():
        return pa.nulls(count, pa.string())
    rows = zip(
        topics.to_pylist(), origin.column("_offset").to_pylist(), items.to_pylist(), strict=True
    )
    return pa.array([_of_file(*row) for row in rows], pa.string())


def _of_file(topic: str, record: int, item: int | None) -> str | None:
    if not topic.startswith(FILE):
        return None
    number = "" if item is None else f":{item}"
    name = f"{topic.removeprefix(FILE)}:{record}{number}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]
