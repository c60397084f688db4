"""Decodes raw rows, and writes them as files of both tables. Runs on executors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode import Decoded, Limits
from lakehouse.event.budgets import BUDGETS
from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.store import DataFile
from lakehouse.store.files import write
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

# What a task holds before it writes: Parquet and its buffers take some times as much again.
FLUSH_ROWS, FLUSH_BYTES = BUDGETS.written_rows, BUDGETS.written_bytes
# Kafka's first release: no broker's clock has shown an earlier day.
FIRST_DAY = date(2011, 1, 1)

Decode = Callable[[pa.RecordBatch, Limits], Decoded]


@dataclass(frozen=True)
class DecodeToFiles:
    """A task of a batch; `held` are coordinates that the tables already have.

    `erased` are those of events that were erased on request, and do not come back.
    `topic_ids` are the ids of topics by name; what is of none of them has none.

    Called with raw rows, it yields each file once it is written. It holds at most FLUSH_ROWS rows
    or FLUSH_BYTES bytes, and one batch of rows more.
    """

    roots: dict[str, str]
    commit: str
    name: str
    ingested_at: datetime
    limits: Limits
    decode: Decode
    held: pa.Table | None = None
    erased: pa.Table | None = None
    topic_ids: Mapping[str, str] = field(default_factory=dict)
    umask: int | None = None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[DataFile]:
        if self.umask is not None:  # that of a worker of a cluster is its administrator's
            os.umask(self.umask)
        waiting: list[Decoded] = []
        for records in batches:
            waiting.append(self._missing(self.decode(records, self.limits)))
            if _is_enough(waiting):
                yield from self._flush(waiting)
                waiting = []
        yield from self._flush(waiting)

    def _missing(self, decoded: Decoded) -> Decoded:
        """Returns the rows that the tables lack: they may have some events of a record."""
        if self.erased is not None and self.erased.num_rows:
            decoded = Decoded(*(without_erased(rows, self.erased) for rows in decoded))
        if self.held is None:
            return decoded
        held = coordinates(self.held)
        events, rejects = (t.filter(pc.invert(pc.is_in(coordinates(t), held))) for t in decoded)
        return Decoded(events, rejects)

    def _flush(self, waiting: list[Decoded]) -> list[DataFile]:
        events = [decoded.events for decoded in waiting]
        rejects = [on_day(decoded.rejects, self.ingested_at) for decoded in waiting]
        return self._write(LOGS, events) + self._write(QUARANTINE, rejects)

    def _write(self, table: Table, parts: list[pa.Table]) -> list[DataFile]:
        if not any(part.num_rows for part in parts):
            return []
        rows = pa.concat_tables(parts)
        full = stamped(rows, table.columns, self.ingested_at, self.commit, self.topic_ids)
        return write(table, full, self.roots[table.name], self.name)


def coordinates(rows: pa.Table) -> pa.ChunkedArray:
    """Returns partition, offset, number in the record and topic of each row, as one text."""
    numbers = [rows[name].cast(pa.string()) for name in ("_partition", "_offset", "_item")]
    texts = [pc.fill_null(each, "") for each in numbers]
    return pc.binary_join_element_wise(*texts, rows["_topic"], ":")


def records(rows: pa.Table) -> pa.ChunkedArray:
    """Returns the coordinates of the record that each row is of, as one text."""
    no_item = pa.nulls(rows.num_rows, pa.int32())
    return coordinates(rows.set_column(rows.schema.get_field_index("_item"), "_item", no_item))


def without_erased(rows: pa.Table, erased: pa.Table) -> pa.Table:
    """Returns the rows without those that were erased on request.

    A record that was erased whole gives no event, and one that lost an event is not kept whole: its
    verdict may be another one than it was.
    """
    whole, of = erased.filter(pc.is_null(erased["_item"])), records(rows)
    gone = pc.or_(pc.is_in(coordinates(rows), coordinates(erased)), pc.is_in(of, records(whole)))
    of_one = pc.and_(pc.is_null(rows["_item"]), pc.is_in(of, records(erased)))
    return rows.filter(pc.invert(pc.or_(gone, of_one)))


def _is_enough(waiting: list[Decoded]) -> bool:
    tables = [table for decoded in waiting for table in decoded]
    rows, size = sum(t.num_rows for t in tables), sum(t.nbytes for t in tables)
    return bool(rows >= FLUSH_ROWS or size >= FLUSH_BYTES)


def on_day(rejects: pa.Table, when: datetime) -> pa.Table:
    """Moves rejects whose broker's time is impossible (before Kafka, or to come) to today, `when`.

    Retention goes by this day: it must not delete new rows, nor follow the year 9000.
    """
    days, last = rejects["date"], when.date() + timedelta(days=1)
    is_real = pc.and_(pc.greater_equal(days, FIRST_DAY), pc.less_equal(days, last))
    days = pc.if_else(is_real, days, pa.scalar(when.date()))
    place = rejects.schema.get_field_index("date")
    return rejects.set_column(place, rejects.schema.field(place), days)


def stamped(
    rows: pa.Table,
    columns: pa.Schema,
    when: datetime,
    commit: str,
    topic_ids: Mapping[str, str] | None = None,
) -> pa.Table:
    """Adds to decoded rows the columns for time, commit and topic of their ingest."""
    values = {"_ingested_at": pa.scalar(when, UTC_TIMESTAMP), "_commit": pa.scalar(commit)}
    for name, value in values.items():
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    rows = rows.append_column("_topic_id", _topic_ids(rows, topic_ids or {}))
    return rows.select(columns.names).cast(columns)


def _topic_ids(rows: pa.Table, known: Mapping[str, str]) -> pa.ChunkedArray | pa.Array:
    """Returns the id of each row's topic; NULL if it is not known."""
    names, ids = pa.array(known, pa.string()), pa.array(known.values(), pa.string())
    return ids.take(pc.index_in(rows["_topic"], names))
