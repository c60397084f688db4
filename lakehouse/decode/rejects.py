"""Rejected records as rows of quarantine (dead letters), and back to the bytes that came."""

from __future__ import annotations

import base64
import codecs
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from lakehouse.decode.fault import Fault
from lakehouse.decode.record_time import known
from lakehouse.tables.catalog import BROUGHT_BY, ORIGIN, QUARANTINE

REJECTS = pa.schema([f for f in QUARANTINE.columns if f not in BROUGHT_BY])


def reject_rows(raw: pa.RecordBatch, faults: Mapping[int, Fault], cap: int) -> pa.Table:
    """The rows at fault, in the order in which they came."""
    rows = sorted(faults)
    of = raw.take(pa.array(rows, pa.int64()))
    kept = [_kept(payload, cap) for payload in of.column("value").to_pylist()]
    taken = known(of.column("_kafka_timestamp"))
    columns: dict[str, Any] = {
        "reason": [faults[row].reason for row in rows],
        "detail": [faults[row].detail for row in rows],
        **{name: [each[name] for each in kept] for name in _kept(None, cap)},
        "date": taken.cast(pa.timestamp("us")).cast(pa.date32()),
        **{f.name: of.column(f.name) for f in ORIGIN},
        "_kafka_timestamp": taken,
    }
    return pa.Table.from_pydict(columns, schema=REJECTS)


def as_it_came(rejects: pa.Table, payloads: Sequence[bytes], cap: int) -> pa.Table:
    """The same rejects with other payloads: what was there before it was made JSON."""
    kept = [_kept(payload, cap) for payload in payloads]
    for name in _kept(None, cap):
        field = rejects.schema.field(name)
        column = pa.array([each[name] for each in kept], field.type)
        rejects = rejects.set_column(rejects.schema.get_field_index(name), field, column)
    return rejects


def original(reject: Mapping[str, Any]) -> bytes | None:
    """The payload of a row of quarantine as it came; None where it had none, or was capped."""
    payload = reject["payload"]
    if payload is None:
        return None
    in_base64 = reject["payload_encoding"] == "base64"
    came: bytes = base64.b64decode(payload) if in_base64 else payload.encode()
    return came if len(came) == reject["payload_length"] else None


def _kept(payload: bytes | None, cap: int) -> dict[str, Any]:
    text, encoding = (None, None) if payload is None else _written(payload, cap)
    return {
        "payload": text,
        "payload_encoding": encoding,
        "payload_length": None if payload is None else len(payload),
        "payload_sha256": None if payload is None else hashlib.sha256(payload).hexdigest(),
    }


def _written(payload: bytes, cap: int) -> tuple[str, str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # Not final where it was capped: the cut may go through a character, which is left out.
        return decoder.decode(payload[:cap], final=len(payload) <= cap), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(payload[:cap]).decode(), "base64"
