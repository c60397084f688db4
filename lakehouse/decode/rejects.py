"""Dead letters: rejected records as rows of quarantine, and back to their original bytes."""

from __future__ import annotations

import base64
import codecs
import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from lakehouse.decode.guard import Limits
from lakehouse.decode.leftover.headers import HEADERS, written
from lakehouse.decode.record_time import valid
from lakehouse.event.budgets import cut
from lakehouse.formats.format import Fault
from lakehouse.tables.catalog import BROUGHT_BY, ITEM_AND_SOURCE, ORIGIN, QUARANTINE

DETAIL_BYTES = 1 << 10
WITHHELD = "the payload is not kept: no field of the policy can be found in it"
REJECTS = pa.schema([f for f in QUARANTINE.columns if f not in BROUGHT_BY])


def reject_rows(
    raw: pa.RecordBatch, faults: Mapping[int, Fault], limits: Limits, names: Mapping[str, str]
) -> pa.Table:
    """Returns the rows in `faults` as rejects (`REJECTS`), in their order.

    Of a payload, without what is private in it, the first bytes are kept, with the length and the
    hash of all of it. `names` are the fields that keys of records give.
    """
    privacy, cap = limits.privacy, limits.payload_cap
    rows = sorted(faults)
    of = raw.take(pa.array(rows, pa.int64()))
    came = of.column("value").to_pylist()
    payloads = [privacy.payload(payload, names) for payload in came]
    kept = [_kept(payload, cap) for payload in payloads]
    # what a fault says of a payload may quote it
    are_kept = [(one is None) == (other is None) for one, other in zip(came, payloads, strict=True)]
    details = [
        _detail(faults[row]) if is_kept else WITHHELD
        for row, is_kept in zip(rows, are_kept, strict=True)
    ]
    taken = valid(of.column("_kafka_timestamp"))
    columns: dict[str, Any] = {
        "reason": [faults[row].reason for row in rows],
        "detail": [privacy.text(detail) for detail in details],
        **{name: [each[name] for each in kept] for name in _kept(None, cap)},
        "headers": [privacy.headers(text) for text in _headers(of, cap)],
        "date": taken.cast(pa.timestamp("us")).cast(pa.date32()),
        **{f.name: of.column(f.name) for f in (*ORIGIN, *ITEM_AND_SOURCE)},
        "_kafka_timestamp": taken,
    }
    return pa.Table.from_pydict(columns, schema=REJECTS)


def _headers(rows: pa.RecordBatch, cap: int) -> list[str | None]:
    if HEADERS.name not in rows.schema.names:
        return [None] * rows.num_rows
    return written(rows.column(HEADERS.name), cap)


def _detail(fault: Fault) -> str:
    """The detail, at most DETAIL_BYTES of UTF-8; half a surrogate pair is its escape."""
    return cut(fault.detail.encode(errors="backslashreplace").decode(), DETAIL_BYTES)


def original(reject: Mapping[str, Any]) -> bytes | None:
    """Returns the payload of a row of quarantine; None where it had none, or was capped."""
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
