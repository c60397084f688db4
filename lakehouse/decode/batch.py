"""Decodes a batch of raw rows to events and rejects."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.columns import place, with_severity
from lakehouse.decode.derived import derived_columns
from lakehouse.decode.fault import REASONS
from lakehouse.decode.guard import Limits, guard
from lakehouse.decode.leftover import headers
from lakehouse.decode.origin import Before, event_ids, times
from lakehouse.decode.parser import Parsed, parse
from lakehouse.decode.rejects import reject_rows
from lakehouse.decode.rules import Rules
from lakehouse.decode.sources import Prepared, prepared, with_source
from lakehouse.errors import LogpondError
from lakehouse.formats.format import Fault
from lakehouse.formats.reading import Reading
from lakehouse.tables.catalog import BROUGHT_BY, ITEM_AND_SOURCE, LOGS, ORIGIN

# With `headers.HEADERS` behind them where records have some.
# To be raised whenever a verdict or a derived value may differ from an earlier version's.
VERSION = 9
RAW = pa.schema([pa.field("value", pa.binary()), *ORIGIN])
EVENTS = pa.schema([f for f in LOGS.columns if f not in BROUGHT_BY])
_MISFITS = EVENTS.field("_misfits").type


class Decoded(NamedTuple):
    """A decoded batch: each event of a raw row is in exactly one of the two tables, in order."""

    events: pa.Table
    rejects: pa.Table


def decode(
    raw: pa.RecordBatch,
    limits: Limits,
    readings: Mapping[str, Reading] | None = None,
    before: Before | None = None,
) -> Decoded:
    """Returns the events (`EVENTS`) and rejects (`REJECTS`) of raw rows (`RAW`).

    Both are without `_ingested_at` and `_commit`, which are added when they are written. `readings`
    say by topic how its records are read; those of any other topic are strict JSON. The result does
    not depend on how rows are split into batches, except where an event takes the time of the one
    before: pass the same `before` for all batches of a file. No payload makes it raise: a row for
    which the code below does is a reject, `not_decoded`.
    """
    before = {} if before is None else before
    parts = [
        part
        for rows, reading in _by_source(raw, readings or {})
        for part in _decoded_rows(with_source(rows, reading), reading, limits, before)
    ]
    events, rejects = zip(*parts, strict=True)
    return Decoded(pa.concat_tables(events), pa.concat_tables(rejects))


def _decoded_rows(
    rows: pa.RecordBatch, reading: Reading | None, limits: Limits, before: Before
) -> list[Decoded]:
    """Decodes rows of one topic; where that raises, each half of them, down to the row it is for.

    What says nothing of a row is raised: memory, files, modules, the settings of a source.
    """
    noted = dict(before)
    try:
        rules = Rules.of(reading)
        return [_decoded(part, limits, rules, before) for part in prepared(rows, reading)]
    except (ImportError, LogpondError, MemoryError, OSError):
        raise
    except Exception as error:
        before.clear()
        before.update(noted)
        if rows.num_rows <= 1:
            return [_not_decoded(rows, error, limits)]
    half = rows.num_rows // 2
    parts = rows.slice(0, half), rows.slice(half)
    return [one for part in parts for one in _decoded_rows(part, reading, limits, before)]


def _not_decoded(rows: pa.RecordBatch, error: Exception, limits: Limits) -> Decoded:
    fault = Fault("not_decoded", f"{REASONS['not_decoded']} ({type(error).__name__})")
    rejects = reject_rows(rows, dict.fromkeys(range(rows.num_rows), fault), limits, {})
    return Decoded(EVENTS.empty_table(), rejects)


def _by_source(
    raw: pa.RecordBatch, readings: Mapping[str, Reading]
) -> Iterator[tuple[pa.RecordBatch, Reading | None]]:
    """Yields the rows in stretches of one topic, each with how its records are read."""
    if not readings or not raw.num_rows:
        yield raw, None
        return
    start = 0
    encoded = pc.run_end_encode(raw.column("_topic"))
    for end, topic in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield raw.slice(start, end - start), readings.get(topic)
        start = end


def _decoded(part: Prepared, limits: Limits, rules: Rules, before: Before) -> Decoded:
    parsed = parse(part.messages.column("value"), rules, limits.budgets, part.direct)
    faults = {**parsed.faults, **part.faults}
    origin = part.messages
    if parsed.faults:
        origin = origin.take(pa.array(parsed.rows, pa.int64()))
    found = headers.taken(origin, rules, limits.budgets)
    events = _events(parsed, origin, found, rules, limits, before)
    outside = guard(events.column("timestamp"), events.column("_kafka_timestamp"), limits)
    outside |= found.faults if found else {}
    if outside:
        faults |= {parsed.rows[row]: fault for row, fault in outside.items()}
        events = _without(events, outside)
    rejects = reject_rows(part.originals, faults, limits, rules.names)
    events = limits.privacy.events(events)
    return Decoded(pa.Table.from_batches([events]), rejects)


def _events(
    parsed: Parsed,
    origin: pa.RecordBatch,
    found: headers.Taken | None,
    rules: Rules,
    limits: Limits,
    before: Before,
) -> pa.RecordBatch:
    misfits = parsed.misfits
    own = with_severity(parsed.columns, parsed.attributes, misfits)
    attributes = parsed.attributes.array()
    if found:
        attributes = _headed(own, attributes, misfits, found)
    at, name, service = place("timestamp"), place("event_id"), place("service")
    own[at], time_from = times(own[at], origin, rules, limits, before)
    own[name] = event_ids(own[name], origin, origin.column("_item"))
    if rules.service:
        own[service] = pc.fill_null(own[service], rules.service)
    used = ("timestamp", "status_code", "severity_number", "user_agent")
    derived = derived_columns(*(own[place(field)] for field in used))
    left = [attributes, time_from, _misfits(misfits, origin.num_rows)]
    place_of = [origin.column(f.name) for f in (*ORIGIN, *ITEM_AND_SOURCE)]
    return pa.RecordBatch.from_arrays([*own, *derived, *left, *place_of], schema=EVENTS)


def _headed(
    own: list[pa.Array], attributes: pa.Array, misfits: dict[int, list[str]], found: headers.Taken
) -> pa.Array:
    """The attributes with those of headers, which may give a trace and misfits too."""
    trace, span = place("trace_id"), place("span_id")
    own[trace], own[span] = headers.traced(own[trace], own[span], found)
    for row, marks in found.misfits.items():
        misfits[row] = [*misfits.get(row, []), *marks]
    return headers.merged(attributes, found)


def _misfits(misfits: Mapping[int, list[str]], count: int) -> pa.Array:
    if not misfits:
        return pa.nulls(count, _MISFITS)
    return pa.array([misfits.get(row) for row in range(count)], _MISFITS)


def _without(events: pa.RecordBatch, places: Container[int]) -> pa.RecordBatch:
    return events.filter(pa.array([row not in places for row in range(events.num_rows)]))
