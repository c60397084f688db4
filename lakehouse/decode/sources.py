"""Raw rows of one source as messages, by the format of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.fault import no_object
from lakehouse.decode.leftover import headers
from lakehouse.decode.record_time import valid
from lakehouse.formats.direct import Direct, direct
from lakehouse.formats.format import Fault
from lakehouse.formats.messages import Messages, messages, needs_times
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named
from lakehouse.tables.catalog import ITEM_AND_SOURCE

ITEM, SOURCE = ITEM_AND_SOURCE


class Prepared(NamedTuple):
    """Rows to decode: the messages, what is kept of each that is refused, and known faults by row.

    Both batches have the same rows: `originals` are the bytes that came, or the message of one
    event where a record has several. With `direct`, records are no messages yet, and are read so.
    """

    messages: pa.RecordBatch
    originals: pa.RecordBatch
    faults: Mapping[int, Fault]
    direct: Direct | None = None


def with_source(raw: pa.RecordBatch, reading: Reading | None) -> pa.RecordBatch:
    """The rows with the number of the event in its record, where none is given, and the source."""
    if ITEM.name not in raw.schema.names:
        raw = raw.append_column(ITEM, pa.nulls(raw.num_rows, ITEM.type))
    name = pa.scalar((reading and reading.source) or None, SOURCE.type)
    return raw.append_column(SOURCE, pa.repeat(name, raw.num_rows))


def prepared(raw: pa.RecordBatch, reading: Reading | None) -> Iterator[Prepared]:
    """Yields rows (`with_source`) as messages, in one part or in two.

    Where rows have the number of an event within its record, they are messages already.
    """
    if reading is None:
        yield Prepared(raw, raw, {})
        return
    is_event = pc.is_valid(raw.column(ITEM.name))
    if pc.any(is_event).as_py():
        made = raw.filter(is_event)
        yield Prepared(made, made, {})
        raw = raw.filter(pc.invert(is_event))
    yield from _read(raw, reading)


def _read(raw: pa.RecordBatch, reading: Reading) -> Iterator[Prepared]:
    if how := direct(reading):
        yield Prepared(raw, raw, {}, how)
        return
    taken = valid(raw.column("_kafka_timestamp"))
    times = taken.to_pylist() if needs_times(reading) else None
    payloads = raw.column("value").to_pylist()
    found = messages(payloads, reading, times)
    faults = found.faults
    if named(reading.format).is_message:
        faults |= {row: no_object(payloads[row]) or fault for row, fault in faults.items()}
    if found.rows is None:
        yield Prepared(_valued(raw, found.payloads), raw, faults)
        return
    rows, wide = found.rows, headers.repeated(raw, found.rows, reading.headers)
    faults |= wide
    if faults:
        refused = raw.take(pa.array(sorted(faults), pa.int64()))
        yield Prepared(
            _valued(refused, [None] * len(faults)),
            refused,
            {place: faults[row] for place, row in enumerate(sorted(faults))},
        )
    kept = [place for place, row in enumerate(rows) if row not in wide] if wide else None
    yield _events(raw, found, reading, kept)


def _events(
    raw: pa.RecordBatch, found: Messages, reading: Reading, kept: list[int] | None
) -> Prepared:
    """The messages of rows that may hold several, all or those kept."""
    numbers, items, payloads = found.rows or [], found.items or [], found.payloads
    if kept is not None:
        numbers, items = [numbers[n] for n in kept], [items[n] for n in kept]
        payloads = [payloads[n] for n in kept]
    if not reading.headers and headers.HEADERS.name in raw.schema.names:
        raw = raw.drop_columns(headers.HEADERS.name)
    made = _valued(raw.take(pa.array(numbers, pa.int64())), payloads)
    place = made.schema.get_field_index(ITEM.name)
    made = made.set_column(place, ITEM, pa.array(items, ITEM.type))
    return Prepared(made, made, {})


def _valued(raw: pa.RecordBatch, payloads: list[bytes | None]) -> pa.RecordBatch:
    place = raw.schema.get_field_index("value")
    return raw.set_column(place, raw.schema.field(place), pa.array(payloads, pa.binary()))
