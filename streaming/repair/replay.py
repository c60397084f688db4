"""Decodes open quarantine again, after a fix: what passes now goes to logs, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import store
from lakehouse.decode import HEADERS, RAW, Limits, decode, original
from lakehouse.decode.leftover import headers as kafka_headers
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.intake import Decode, coordinates, on_day, records, stamped, without_erased
from lakehouse.ingest.queries import INGEST, REPLAY
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.maintenance.retention_marks import retained_from
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.sources import Sources
from lakehouse.store import Key, Writer, open_table
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table
from lakehouse.tables.rejects import ITEM

ROWS_AT_ONCE = 2_000
OPEN = """
SELECT payload, payload_encoding, payload_length, payload_sha256,
    headers, _topic, _partition, _offset, _kafka_timestamp, _item, _topic_id
FROM quarantine AS q WHERE EXISTS (FROM open
    WHERE open._topic = q._topic AND open._partition = q._partition AND open._offset = q._offset
    AND open._item IS NOT DISTINCT FROM q._item)
"""


@dataclass(frozen=True)
class Replay:
    """How many open rejects were looked at, how many events passed, and how many were capped."""

    looked_at: int
    passed: int
    capped: int


def replay_quarantine(
    places: Places, writers: Mapping[str, Writer], limits: Limits, of: Decode
) -> Replay:
    """Decodes open quarantine again; adds what passes to `logs` with its original coordinates.

    Records that are in `logs` are no longer open, so a repeat, also after a crash, adds nothing
    twice. Where a record that was rejected whole now gives events of which some are still rejected,
    these become rejects of their own. They are written before the events: until one of its events
    is in `logs`, the whole record is open, and they are not. Records that `retain` deleted from
    `logs` look open again, so events before its first date are left out.
    """
    looked_at = passed = capped = 0
    with REPLAY.alone(places) as fenced, current(places) as held:
        writers = {name: writer.under(fenced) for name, writer in writers.items()}
        first = retained_from(open_table(places, LOGS))
        erased = Absent(places).erased()
        for topic_id, rows in _by_topic(held.batches(OPEN, ROWS_AT_ONCE)):
            raw, lost = _raw(rows)
            decoded = of(raw, limits)
            events = _kept(without_erased(decoded.events, erased), first)
            _append(writers, QUARANTINE, _new_rejects(places, decoded.rejects, events), topic_id)
            _append(writers, LOGS, events, topic_id)
            looked_at, capped = looked_at + rows.num_rows, capped + lost
            passed += events.num_rows
    return Replay(looked_at, passed, capped)


def as_read(places: Places, sources: Sources) -> Decode:
    """Returns a decoder that reads rejects of files as their imports do, others as their source."""
    imported = RawZone(places).manifests().values()
    manifest = INGEST.checkpoint(places).manifest()
    topics = [*manifest.ids] if manifest else []
    readings = {each.topic: each.reading for each in imported} | sources.readings(topics)
    return lambda raw, limits: decode(raw, limits, readings)


def _by_topic(
    batches: Iterable[pa.RecordBatch],
) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    """Yields rows of one topic each, with its id: NULL for files and for old rows."""
    for rows in batches:
        for topic_id in rows["_topic_id"].unique():
            is_of = pc.equal(rows["_topic_id"], topic_id)
            part = rows.filter(is_of if topic_id.is_valid else pc.is_null(rows["_topic_id"]))
            yield topic_id.as_py(), part


def _raw(rows: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Returns the original records, and how many were capped and cannot be decoded again."""
    payloads = pa.array([original(row) for row in rows.to_pylist()], pa.binary())
    capped = payloads.null_count - rows["payload"].null_count
    columns = [payloads, *(rows[name] for name in RAW.names[1:])]
    raw = pa.record_batch(columns, schema=RAW)
    if (headers := kafka_headers.read(rows["headers"].to_pylist())) is not None:
        raw = raw.append_column(HEADERS, headers)
    return raw.append_column(ITEM, rows[ITEM].cast(pa.int32())), capped


def _kept(events: pa.Table, first: date | None) -> pa.Table:
    return events if first is None else events.filter(pc.field("date") >= pa.scalar(first))


def _new_rejects(places: Places, rejects: pa.Table, events: pa.Table) -> pa.Table:
    """Returns the rejected events of records of which other events passed, unless they are there.

    A reject that was replayed by itself is, and so is one that a replay wrote before it crashed.
    """
    of_events = rejects.filter(pc.is_valid(rejects[ITEM]))
    of_events = of_events.filter(pc.is_in(records(of_events), records(events)))
    if not of_events.num_rows:
        return of_events
    known = coordinates(_written(places, of_events))
    return of_events.filter(pc.invert(pc.is_in(coordinates(of_events), known)))


def _written(places: Places, rejects: pa.Table) -> pa.Table:
    """Returns the coordinates that quarantine has between the lowest and the highest of these."""
    quarantine = open_table(places, QUARANTINE)
    grouped = rejects.group_by(["_topic", "_partition"]).aggregate(
        [("_offset", "min"), ("_offset", "max")]
    )
    return pa.concat_tables(
        store.coordinates(
            quarantine,
            each["_topic"],
            {each["_partition"]: (each["_offset_min"], each["_offset_max"] + 1)},
        )
        for each in grouped.to_pylist()
    )


def _append(
    writers: Mapping[str, Writer], table: Table, rows: pa.Table, topic_id: str | None
) -> None:
    """Commits decoded rows to a table, under the next number of its own."""
    if not rows.num_rows:
        return
    last, now = writers[table.name].last(REPLAY.name), datetime.now(UTC)
    batch = 0 if last is None else last + 1
    topics = rows["_topic"].unique().to_pylist() if topic_id else []
    commit, ids = f"{REPLAY.name}:{batch}", dict.fromkeys(topics, topic_id or "")
    rows = on_day(rows, now) if table is QUARANTINE else rows
    full = stamped(rows, table.columns, now, commit, ids)
    writers[table.name].append(full, Key(REPLAY.name, batch))
