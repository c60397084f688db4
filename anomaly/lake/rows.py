"""Rows of `logs_windowed` to closed minutes, incidents to rows of `anomalies`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anomaly.engine.arrays import Ints
from anomaly.engine.histogram import Histograms
from anomaly.engine.incident import Incident, moment
from anomaly.engine.minute import Key, Minutes, rolled_up
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.windows.horizon import EPOCH

MINUTE = timedelta(minutes=1)


def minutes_of(rows: pa.Table) -> Iterator[Minutes]:
    """Closed minutes in order, of endpoints and of what they are part of."""
    order = [(name, "ascending") for name in ("window_start", "service", "endpoint")]
    rows = rows.sort_by(order).combine_chunks()
    starts = rows["window_start"].cast(pa.int64()).to_numpy() // (60 * 10**6)
    bounds = np.flatnonzero(np.diff(starts, prepend=-1, append=-1))
    for first, end in pairwise(bounds):
        yield rolled_up(_minute(int(starts[first]), rows.slice(first, end - first)))


def _minute(at: int, rows: pa.Table) -> Minutes:
    pairs = zip(rows["service"].to_pylist(), rows["endpoint"].to_pylist(), strict=True)
    return Minutes(
        at,
        [Key(inert(service), inert(endpoint)) for service, endpoint in pairs],
        _numbers(rows, "request_count"),
        _numbers(rows, "client_errors"),
        _numbers(rows, "server_errors"),
        _histograms(rows["_response_time_histogram"].combine_chunks()),
    )


def inert(name: str | None) -> str:
    """A name out of logs without what a terminal acts on, or turns a line by."""
    if name is None or name.isprintable():
        return name or ""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def _numbers(rows: pa.Table, name: str) -> Ints:
    return np.asarray(pc.fill_null(rows[name], 0).to_numpy(), np.int64)


def _histograms(of: pa.MapArray) -> Histograms:
    """Flat, whatever slice of a column it is; a row without one has no entries."""
    sizes = pc.fill_null(pc.list_value_length(of.cast(_AS_LIST)), 0).to_numpy()
    start = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    flat = pc.list_flatten(of.cast(_AS_LIST))
    bucket, count = (np.asarray(flat.field(i).to_numpy(), np.int64) for i in (0, 1))
    return Histograms(np.asarray(start, np.int64), bucket, count)


_AS_LIST = pa.list_(pa.struct([("key", pa.int32()), ("value", pa.int64())]))


def rows_of(incidents: Iterable[Incident]) -> pa.Table:
    """Incidents as rows of the table."""
    rows = [{**msgspec.structs.asdict(one), "date": one.opened.date()} for one in incidents]
    for row in rows:
        row["contributors"] = [msgspec.structs.asdict(share) for share in row["contributors"]]
    return pa.Table.from_pylist(rows, ANOMALIES.columns)


def incidents_of(rows: pa.Table) -> list[Incident]:
    """Rows of the table as incidents; a column that came later has its default in older rows."""
    return [incident_of(row) for row in rows.to_pylist()]


def incident_of(row: Mapping[str, Any]) -> Incident:
    """One row of the table as an incident."""
    told = {name: value for name, value in row.items() if value is not None and name != "date"}
    return msgspec.convert(told, Incident)


def after(at: int) -> pa.Scalar:
    """The start of a minute, to compare columns with."""
    return pa.scalar(moment(at) if at >= 0 else EPOCH, pa.timestamp("us", tz="UTC"))
