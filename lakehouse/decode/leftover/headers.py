"""Headers of Kafka's records: as a column, as attributes of events, as text in quarantine. Pure.

Only batches that have headers have the column, so that others pay nothing for it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.leftover.column import MAP
from lakehouse.decode.rules import Rules
from lakehouse.event.budgets import BUDGETS, Budgets, cut
from lakehouse.formats.format import Fault

Header = tuple[str | None, bytes | None]
_PARTS = [pa.field("name", pa.string()), pa.field("value", pa.binary())]
HEADERS = pa.field("_headers", pa.list_(pa.struct(_PARTS)))
PREFIX, BASE64 = "kafka.header.", "base64"
# Stands for the headers of a record where they cannot be read.
UNREADABLE: list[Header] = [(None, None)]
_BROKEN = "its headers cannot be read: a name is no UTF-8, or they were too long to keep whole"
# W3C Trace Context: version, trace, parent, flags; zeros are none.
_TRACE = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)
_written_of = msgspec.json.Decoder(list[list[str | None]]).decode


class Taken(NamedTuple):
    """What headers give events, by their place: `keys` and `texts` of the attributes of `owners`,
    marks of `_misfits`, the ids of a trace, and the faults of those that are refused for them.
    """

    owners: np.ndarray
    keys: pa.Array
    texts: pa.Array
    misfits: dict[int, list[str]]
    traces: dict[int, tuple[str, str]]
    faults: dict[int, Fault]


def column(records: Sequence[Sequence[Header] | None]) -> pa.Array | None:
    """The headers of records as a column (`HEADERS`); None where no record has one."""
    if not any(records):
        return None
    names = [name for each in records for name, _ in each or ()]
    values = [value for each in records for _, value in each or ()]
    counts = [len(each or ()) for each in records]
    columns = [pa.array(names, pa.string()), pa.array(values, pa.binary())]
    pairs = pa.StructArray.from_arrays(columns, fields=_PARTS)
    return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *counts]), pa.int32()), pairs)


def taken(rows: pa.RecordBatch, rules: Rules, budgets: Budgets) -> Taken | None:
    """What the headers of rows give their events, as their source has it; None for nothing."""
    if HEADERS.name not in rows.schema.names or not rules.headers:
        return None
    owners, names, values = _flat(rows.column(HEADERS.name))
    faults = _faults(owners, names, values, budgets)
    wanted = pc.and_(pc.is_valid(names), pc.is_valid(values)).to_numpy(zero_copy_only=False)
    wanted &= ~np.isin(owners, list(faults))
    if isinstance(rules.headers, tuple):
        listed = pc.is_in(names, pa.array(rules.headers, pa.string()))
        wanted &= listed.to_numpy(zero_copy_only=False)
    owners, names, values = (
        owners[wanted],
        *(each.filter(pa.array(wanted)) for each in (names, values)),
    )
    texts, marks = _texts(values, budgets.field)
    misfits = dict[int, list[str]]()
    for place, mark in marks:
        row, name = int(owners[place]), f"{PREFIX}{names[place].as_py()}"
        if mark == "cut" and rules.on_long_text == "reject":
            long = f"{name}: more than {budgets.field} bytes, which the source refuses"
            faults.setdefault(row, Fault("over_budget", long))
        misfits.setdefault(row, []).append(f"{name}:{mark}")
    keys = pc.binary_join_element_wise(pa.scalar(PREFIX), names, "")
    return Taken(owners, keys, texts, misfits, _traces(owners, names, texts), faults)


def repeated(rows: pa.RecordBatch, events: Sequence[int], is_wanted: object) -> dict[int, Fault]:
    """The faults of rows whose headers, once for each event, are too large; `events` are of rows.

    None where no headers are wanted.
    """
    if not is_wanted or HEADERS.name not in rows.schema.names:
        return {}
    owners, names, values = _flat(rows.column(HEADERS.name))
    sizes = np.bincount(owners, _sizes(names) + _sizes(values), rows.num_rows)
    totals = sizes * np.bincount(np.asarray(events, np.int64), minlength=rows.num_rows)
    whole = sizes + _sizes(rows.column("value"))
    most = np.minimum(BUDGETS.unfolded, BUDGETS.unfolded_ratio * whole)
    detail = "headers that are too large once they are in each event of the record"
    return _over(np.flatnonzero(totals > most), detail)


def _sizes(parts: pa.Array) -> np.ndarray:
    sizes: np.ndarray = pc.fill_null(pc.binary_length(parts), 0).to_numpy()
    return sizes


def merged(attributes: pa.Array, found: Taken) -> pa.Array:
    """The attributes (`MAP`) with those of headers behind each event's own.

    A name that is there already is numbered: `kafka.header.a#2`.
    """
    owners, own_keys, own_items = _pairs(attributes)
    keys = _numbered(owners, own_keys, found)
    order = np.argsort(np.concatenate([owners, found.owners]), kind="stable")
    counts = np.bincount(owners, minlength=len(attributes))
    counts = counts + np.bincount(found.owners, minlength=len(attributes))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    both = (pa.concat_arrays(each) for each in ([own_keys, keys], [own_items, found.texts]))
    columns = [each.take(pa.array(order)) for each in both]
    pairs = pa.StructArray.from_arrays(columns, fields=[MAP.key_field, MAP.item_field])
    buffers = [pa.array(counts > 0).buffers()[1], pa.py_buffer(offsets)]
    return pa.Array.from_buffers(MAP, len(attributes), buffers, children=[pairs])


def traced(ids: pa.Array, spans: pa.Array, found: Taken) -> tuple[pa.Array, pa.Array]:
    """The ids of trace and span, from headers where an event has neither."""
    if not found.traces:
        return ids, spans
    count = len(ids)
    own = pc.or_(pc.is_valid(ids), pc.is_valid(spans))
    given = [found.traces.get(place, (None, None)) for place in range(count)]
    traces, parents = (pa.array([one[part] for one in given], ids.type) for part in range(2))
    return pc.if_else(own, ids, traces), pc.if_else(own, spans, parents)


def written(headers: pa.Array, cap: int) -> list[str | None]:
    """Headers as JSON, `[["NAME", "TEXT"], ["NAME", "AAE=", "base64"]]`; what is longer is cut."""
    rows = headers.to_pylist()
    return [cut(_json(each), cap) if each else None for each in rows]


def read(texts: Sequence[str | None]) -> pa.Array | None:
    """The column that was `written`; what was cut is unreadable. None where no record has one."""
    return column([None if text is None else _of_json(text) for text in texts])


def _flat(headers: pa.Array) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """Of each header the place of its record, its name and its value."""
    owners = pc.list_parent_indices(headers).to_numpy()
    names, values = headers.flatten().flatten()
    return owners, names, values


def _faults(
    owners: np.ndarray, names: pa.Array, values: pa.Array, budgets: Budgets
) -> dict[int, Fault]:
    """Records with too many headers, too large ones, or ones that cannot be read."""
    lengths = _sizes(names)
    counts, totals = np.bincount(owners), np.bincount(owners, lengths + _sizes(values))
    most, key = budgets.attributes, budgets.attribute_key
    broken = owners[pc.is_null(names).to_numpy(zero_copy_only=False)]
    found = {
        **_over(np.unique(owners[lengths > key]), f"a header's name has more than {key} bytes"),
        **_over(
            np.flatnonzero(totals > budgets.record), f"headers of more than {budgets.record} bytes"
        ),
        **_over(np.flatnonzero(counts > most), f"more than {most} headers"),
    }
    return found | {int(row): Fault("bad_format", _BROKEN) for row in broken}


def _over(rows: np.ndarray, detail: str) -> dict[int, Fault]:
    return {int(row): Fault("over_budget", detail) for row in rows}


def _texts(values: pa.Array, most: int) -> tuple[pa.Array, list[tuple[int, str]]]:
    """Values as texts; and the places of those that are base64, or cut, with a mark for it."""
    if (pc.max(pc.binary_length(values)).as_py() or 0) <= most:
        try:
            return values.cast(pa.string()), []
        except pa.ArrowInvalid:
            pass
    texts, marks = list[str](), list[tuple[int, str]]()
    for place, value in enumerate(values.to_pylist()):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            marks.append((place, BASE64))
            text = base64.b64encode(value[: most * 3 // 4]).decode()
            is_cut = len(value) > most * 3 // 4
        else:
            is_cut = len(value) > most
        if is_cut:
            marks.append((place, "cut"))
        texts.append(cut(text, most))
    return pa.array(texts, pa.string()), marks


def _traces(owners: np.ndarray, names: pa.Array, texts: pa.Array) -> dict[int, tuple[str, str]]:
    """The trace and the span that sent each record, of the first header that names them."""
    is_one = pc.equal(names, "traceparent")
    rows = owners[is_one.to_numpy(zero_copy_only=False)].tolist()
    found = dict[int, tuple[str, str]]()
    for row, text in zip(rows, texts.filter(is_one).to_pylist(), strict=True):
        if one := _TRACE.fullmatch(text):
            found.setdefault(row, (one[1], one[2]))
    return found


def _pairs(attributes: pa.Array) -> tuple[np.ndarray, pa.Array, pa.Array]:
    counts = np.diff(attributes.offsets.to_numpy())
    return np.repeat(np.arange(len(attributes)), counts), attributes.keys, attributes.items


def _numbered(owners: np.ndarray, own: pa.Array, found: Taken) -> pa.Array:
    """The keys of headers, each once within its event."""
    are_like = pc.starts_with(own, PREFIX).to_numpy(zero_copy_only=False)
    codes = found.keys.dictionary_encode().indices.to_numpy()
    pairs = found.owners.astype(np.int64) * (len(codes) + 1) + codes
    if not are_like.any() and len(np.unique(pairs)) == len(pairs):
        return found.keys
    like = own.filter(pa.array(are_like)).to_pylist()
    used = set(zip(owners[are_like].tolist(), like, strict=True))
    times = dict[tuple[int, str], int]()
    keys = list[str]()
    for row, key in zip(found.owners.tolist(), found.keys.to_pylist(), strict=True):
        name = key
        while (row, name) in used:
            times[row, key] = times.get((row, key), 1) + 1
            name = f"{key}#{times[row, key]}"
        used.add((row, name))
        keys.append(name)
    return pa.array(keys, pa.string())


def _json(headers: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode([_item(**each) for each in headers]).decode()


def _item(name: str | None, value: bytes | None) -> list[str | None]:
    if value is None:
        return [name, None]
    try:
        return [name, value.decode()]
    except UnicodeDecodeError:
        return [name, base64.b64encode(value).decode(), BASE64]


def _of_json(text: str) -> Sequence[Header]:
    try:
        return [_header(item) for item in _written_of(text)]
    except (msgspec.DecodeError, IndexError, ValueError):
        return UNREADABLE


def _header(item: Sequence[str | None]) -> Header:
    name, text = item[0], item[1]
    if text is None:
        return name, None
    is_binary = len(item) > 2
    return name, base64.b64decode(text, validate=True) if is_binary else text.encode()
