"""Builders: messages and raw rows, with everything that a test does not care about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from lakehouse.decode import RAW, Decoded, Limits, decode

TAKEN = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(ahead=timedelta(minutes=5), behind=None, payload_cap=1 << 20)
EVENT = {
    "event_id": "e-1",
    "timestamp": "2026-05-01T11:59:30.250Z",
    "service": "shop",
    "endpoint": "/api/items/{id}",
    "status_code": 200,
    "ip": "192.0.2.7",
}


def message(**fields: Any) -> bytes:
    """The JSON of a valid event with these fields on top."""
    return json.dumps(EVENT | fields).encode()


def written(**fields: str) -> bytes:
    """The JSON of a valid event, with these fields as JSON text, valid or not."""
    texts = {name: json.dumps(value) for name, value in EVENT.items()} | fields
    return ("{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}").encode()


def without(name: str) -> bytes:
    """The JSON of a valid event that lacks one field."""
    return json.dumps({n: value for n, value in EVENT.items() if n != name}).encode()


def otlp(*records: dict[str, Any], **resource: str) -> bytes:
    """A request of OTLP in JSON, with these records and these attributes of the resource."""
    named = {name.replace("_", "."): value for name, value in resource.items()}
    scope = {"scope": {"name": "tests"}, "logRecords": [*records]}
    return json.dumps(
        {"resourceLogs": [{"resource": {"attributes": attributes(named)}, "scopeLogs": [scope]}]}
    ).encode()


def attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    """Attributes of texts, as OTLP has them in JSON."""
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]


def otlp_at(*times: str) -> bytes:
    """A request of OTLP in JSON, with an event of the service `shop` at each of these times."""
    nanos = [f"{int(datetime.fromisoformat(at).timestamp())}000000000" for at in times]
    records = [{"timeUnixNano": at, "body": {"stringValue": "hello"}} for at in nanos]
    return otlp(*records, service_name="shop")


def raw(payloads: Sequence[bytes | None], taken: datetime = TAKEN) -> pa.RecordBatch:
    """Raw rows of one partition, offsets from 0."""
    count = len(payloads)
    columns = [payloads, ["web-logs"] * count, [0] * count, range(count), [taken] * count]
    arrays = [pa.array(values, f.type) for values, f in zip(columns, RAW, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RAW)


def decoded(*payloads: bytes | None, limits: Limits = LIMITS) -> Decoded:
    """What decoding gives for these payloads."""
    return decode(raw(payloads), limits)


def event(payload: bytes) -> dict[str, Any]:
    """The one event that a payload gives."""
    (row,) = decoded(payload).events.to_pylist()
    return row


def reject(payload: bytes | None, limits: Limits = LIMITS) -> dict[str, Any]:
    """The one reject that a payload gives."""
    (row,) = decoded(payload, limits=limits).rejects.to_pylist()
    return row


def reason(payload: bytes | None, limits: Limits = LIMITS) -> str | None:
    """The reason for which a payload is rejected; None for an event."""
    reasons = decoded(payload, limits=limits).rejects.column("reason").to_pylist()
    return reasons[0] if reasons else None
