"""Sources as values: which topics each reads and how far, and what becomes of lines by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from lakehouse import decode
from lakehouse.decode import RAW, Limits
from lakehouse.errors import BrokerError
from lakehouse.formats.reading import Reading
from lakehouse.formats.records import records
from lakehouse.ingest.lag import count, unread_offsets
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_client import AccessError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.sources import Sources

ROWS_AT_ONCE = 500
# Columns of a row that say where it came from, or that nobody gave.
OF_THE_LAKE = {"date", "hour", "status_class", "is_error", "is_bot", "client_family", "time_from"}


@dataclass(frozen=True)
class SourceTopic:
    """A topic of a source; `state` is read, new, missing, refused or unknown.

    `lag` is what waits of it, and `why` what Kafka says where it refuses.
    """

    source: str
    format: str
    topic: str
    state: str
    lag: int | None
    why: str = ""


@dataclass(frozen=True)
class Tried:
    """What became of a record: a row, with what no column took, or a reject and why."""

    record: int
    becomes: str
    event: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    misfits: list[str] = field(default_factory=list)
    reason: str = ""
    detail: str = ""


def topics(places: Places, connection: Connection, sources: Sources) -> list[SourceTopic]:
    """Returns each topic of each source; those of patterns only where Kafka answers."""
    manifest = INGEST.checkpoint(places).manifest()
    read = manifest.topics if manifest else {}
    existing, refused = _existing(connection, sources)
    found = {**sources.named(), **(sources.found(existing) if existing else {})}
    return [
        SourceTopic(
            source=name,
            format=sources.by_name[name].format,
            topic=topic,
            state="refused" if topic in refused else _state(topic, existing, topic in read),
            lag=_lag(places, connection, topic) if existing and topic in existing else None,
            why=refused.get(topic, ""),
        )
        for topic, name in sorted(found.items(), key=lambda each: (each[1], each[0]))
    ]


def _existing(connection: Connection, sources: Sources) -> tuple[set[str] | None, dict[str, str]]:
    """The topics that Kafka has, None where it does not say; and why it refuses those named."""
    try:
        kafka.expect(connection)
        existing = {*kafka.names(connection)}
        denied = kafka.denials(connection, sources.missing(existing))
    except AccessError as error:
        return None, dict.fromkeys(sources.named(), error.what)
    except BrokerError:
        return None, {}
    return existing, {topic: error.what for topic, error in denied.items()}


def _state(topic: str, existing: set[str] | None, is_read: bool) -> str:
    if existing is not None and topic not in existing:
        return "missing"
    return "read" if is_read else "unknown" if existing is None else "new"


def _lag(places: Places, connection: Connection, topic: str) -> int | None:
    try:
        return count(unread_offsets(places, connection, [topic]))
    except BrokerError:
        return None


def of_lines(lines: Iterable[bytes], reading: Reading) -> Iterator[tuple[int, bytes]]:
    """Yields the records of lines, each with the number of its first line."""
    return ((record.line, record.original) for record in records(lines, reading))


def tried(
    numbered: Iterable[tuple[int, bytes]], reading: Reading, limits: Limits, topic: str
) -> Iterator[Tried]:
    """Yields what becomes of each record, as if it came by the topic just now."""
    before, given = dict[Any, Any](), iter(numbered)
    while some := [*islice(given, ROWS_AT_ONCE)]:
        yield from _judged(some, reading, limits, topic, before)


def _judged(
    some: Sequence[tuple[int, bytes]],
    reading: Reading,
    limits: Limits,
    topic: str,
    before: dict[Any, Any],
) -> list[Tried]:
    numbers, values = zip(*some, strict=True)
    rows = len(some)
    columns = [values, [topic] * rows, [0] * rows, numbers, [datetime.now(UTC)] * rows]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, RAW, strict=True)]
    raw = pa.RecordBatch.from_arrays(arrays, schema=RAW)
    decoded = decode.decode(raw, limits, {topic: reading}, before)
    found = [_row(event) for event in decoded.events.to_pylist()]
    found += [_reject(reject) for reject in decoded.rejects.to_pylist()]
    return sorted(found, key=lambda one: one.record)


def _row(event: dict[str, Any]) -> Tried:
    return Tried(
        record=event["_offset"],
        becomes="row",
        event={
            name: value
            for name, value in event.items()
            if value is not None
            and name[0] != "_"
            and name not in OF_THE_LAKE
            and name != "attributes"
        },
        attributes=dict(event["attributes"] or ()),
        misfits=list(event["_misfits"] or ()),
    )


def _reject(reject: dict[str, Any]) -> Tried:
    return Tried(
        record=reject["_offset"],
        becomes="reject",
        reason=reject["reason"],
        detail=reject["detail"],
    )
