"""Ten million rows of `logs` over thirty days, made in a minute, with needles at known places.

An hour of traffic is decoded once for each of some kinds of hours; its rows are taken in another
order for each hour of the month, with traces, spans, addresses, users and messages of their own. A
file an hour, ordered as upkeep leaves it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.sql import LIMITS, brought, raw
from lakehouse.decode import decode
from lakehouse.ingest.intake import stamped
from lakehouse.paths import Places
from lakehouse.store import Key, Writer, files
from lakehouse.tables.catalog import LOGS
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

FIRST, HOURS = datetime(2026, 5, 1, tzinfo=UTC), 30 * 24
TEMPLATES = 2000
ADDRESSES, USERS, EVENTS_A_TRACE = 200_000, 50_000, 3
SAID = (
    ("order ", " was paid by card in ", " ms"),
    ("session ", " was renewed, ", " s are left"),
    ("cart ", " has ", " items; stock is reserved"),
    ("job ", " of the mailer is done after ", " tries"),
    ("connection ", " to the database was reset after ", " ms"),
)
NEEDLE_HOUR = 411
NEEDLES = {
    "trace_id": "needle0123456789abcdef0123456789",
    "user": "quincy.adams",
    "ip": "203.0.113.77",
    "message": "checksum mismatch in zanzibar shard",
}
WORD = "zanzibar"


def fill(places: Places, rows: int) -> int:
    """Makes `logs` of about so many rows. Returns how many bytes its files have."""
    random, writer = np.random.default_rng(5), Writer(places, LOGS)
    root, written = places.table(LOGS), list[files.DataFile]()
    base = _base()
    for hour in range(HOURS):
        events = _hour(base, random, hour, rows // HOURS)
        written += files.write(LOGS, events, root, "month")
    writer.commit(written, Key("bench/month", 0))
    return sum(file.size for file in written)


def _base() -> pa.Table:
    start = int(FIRST.timestamp() * 1e6)
    sent = Traffic(7, start, TEMPLATES, Shares(0, 0, 0)).tick(start, start + 10**6, TEMPLATES)
    events = decode(raw([value for _, value in sent], 0, FIRST), LIMITS).events
    return brought(events, FIRST, 0)


def _hour(base: pa.Table, random: np.random.Generator, hour: int, rows: int) -> pa.Table:
    """The rows of an hour, in the order of `order_by`."""
    events = base.take(random.integers(0, base.num_rows, rows))
    at = FIRST + timedelta(hours=hour)
    micros = np.sort(random.integers(0, 3600 * 10**6, rows)) + int(at.timestamp() * 1e6)
    traces = _hex(random, max(1, rows // EVENTS_A_TRACE), 16)
    values: dict[str, Any] = {
        "timestamp": pa.array(micros).cast(events.schema.field("timestamp").type),
        "event_id": _hex(random, rows, 12),
        "trace_id": traces.take(random.integers(0, len(traces), rows)),
        "span_id": _hex(random, rows, 8),
        "ip": _addresses(_skewed(random, ADDRESSES, rows)),
        "user": _joined("user", _skewed(random, USERS, rows)),
        "message": _messages(random, rows),
        "date": pa.repeat(pa.scalar(at.date()), rows),
        "hour": pa.repeat(pa.scalar(at.hour, pa.int32()), rows),
        "_offset": np.arange(hour * rows, hour * rows + rows),
    }
    if hour == NEEDLE_HOUR:
        values |= {name: _with(values[name], needle) for name, needle in NEEDLES.items()}
    for name, column in values.items():
        place = events.schema.get_field_index(name)
        events = events.set_column(place, name, pa.array(column))
    ordered = events.sort_by([(name, "ascending") for name in LOGS.order_by])
    return stamped(ordered.drop_columns(["_ingested_at", "_commit"]), LOGS.columns, at, "month:0")


def _skewed(random: np.random.Generator, of: int, count: int) -> np.ndarray:
    """Numbers below `of`, small ones far more often, as with people and addresses."""
    return (of * random.random(count) ** 4).astype(np.int64)


def _with(column: Any, needle: str) -> pa.Array:
    """A column with a needle in its middle."""
    found = pa.array(column)
    middle = len(found) // 2
    return pa.concat_arrays([found[:middle], pa.array([needle]), found[middle + 1 :]])


def _hex(random: np.random.Generator, count: int, size: int) -> pa.Array:
    """Random names of `size` bytes, as hexadecimal digits."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    made = random.integers(0, 16, (count, 2 * size), np.uint8)
    offsets = np.arange(0, (count + 1) * 2 * size, 2 * size, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(digits[made])]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _addresses(of: np.ndarray) -> pa.Array:
    mixed = of * 2654435761 % 2**24
    return _joined("100", mixed >> 16, mixed >> 8 & 255, mixed & 255, by=".")


def _joined(head: str, *numbers: np.ndarray, by: str = "") -> pa.Array:
    texts = [pa.array(each).cast(pa.string()) for each in numbers]
    return pc.binary_join_element_wise(head, *texts, by)


def _messages(random: np.random.Generator, rows: int) -> pa.Array:
    kinds = random.integers(0, len(SAID), rows)
    heads, middles, tails = (
        pa.array([said[part] for said in SAID]).take(kinds) for part in range(3)
    )
    numbers = (
        pa.array(random.integers(10**6, 10**8, rows)).cast(pa.string()),
        pa.array(random.integers(1, 900, rows)).cast(pa.string()),
    )
    return pc.binary_join_element_wise(heads, numbers[0], middles, numbers[1], tails, "")
