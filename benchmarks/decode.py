"""CPU of decoding and writing an event: requests of the shop, and what other sources send."""

from __future__ import annotations

import gc
import random
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from lakehouse.decode import RAW, Limits, decode
from lakehouse.formats.reading import Reading
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.tables.catalog import LOGS, QUARANTINE
from producer.traffic.curve import MICROS
from producer.traffic.traffic import Traffic

EVENTS, BATCH, TIMES = 40_000, 10_000, 3
START = 1_777_636_800 * MICROS
TAKEN = datetime(2026, 5, 1, 12, 10, tzinfo=UTC)
LIMITS = Limits(timedelta(days=9), None, 1 << 20)


READINGS = {
    "shop, by a source": Reading(source="shop", on_missing_time="broker"),
    "mapped": Reading(
        source="apps",
        mapping={"ts": "timestamp", "severity": "level", "msg": "message", "took": "response_time"},
        constants={"environment": "prod"},
    ),
}


def decode_cost(folder: Path) -> dict[str, float]:
    """The figures: us of CPU an event, the best of three, and bytes a row."""
    plain = [value for _, value in Traffic(7, START, 100.0).tick(START, START + MICROS, EVENTS)]
    kinds = {
        "shop": plain,
        "shop, by a source": plain,
        "ten more keys": [*map(_with_more, plain)],
        "nested": [*map(_nested, plain)],
        "mapped": [*map(_other_names, plain)],
    }
    figures: dict[str, float] = {}
    for name, values in kinds.items():
        task = partial(decode, readings={"web-logs": READINGS[name]} if name in READINGS else None)
        runs = [_run(values[:EVENTS], folder / f"{name}-{n}", task) for n in range(TIMES)]
        figures[f"{name}: us CPU an event"] = min(cpu for cpu, _ in runs)
        figures[f"{name}: bytes a row"] = runs[0][1]
    return figures


def _run(values: list[Any], folder: Path, decoded: Any) -> tuple[float, float]:
    batches = [_raw(values[at : at + BATCH], at) for at in range(0, len(values), BATCH)]
    roots = {table.name: str(folder / table.name) for table in (LOGS, QUARANTINE)}
    task = DecodeToFiles(roots, "bench:0", "part", TAKEN, LIMITS, decoded)
    gc.collect()
    gc.disable()
    began = time.process_time()
    files = [*task(batches)]
    cpu = time.process_time() - began
    gc.enable()
    return cpu / len(values) * 1e6, sum(file.size for file in files) / len(values)


def _raw(values: list[Any], first: int) -> pa.RecordBatch:
    count = len(values)
    offsets = range(first, first + count)
    columns = [values, ["web-logs"] * count, [0] * count, offsets, [TAKEN] * count]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, RAW, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RAW)


def _with_more(value: bytes | None) -> bytes:
    event = orjson.loads(value or b"{}")
    chance = random.Random(event["event_id"])
    more = {
        "order_id": chance.randrange(10**6),
        "cart_total": f"{chance.random() * 100:.2f}",
        "currency": chance.choice(["EUR", "USD"]),
        "region": chance.choice(["eu-1", "us-2"]),
        "pod": f"shop-{chance.randrange(20)}",
        "version": "1.4.2",
        "retry": chance.random() < 0.1,
        "queue_ms": round(chance.random() * 20, 3),
        "tenant": f"t{chance.randrange(50)}",
        "session": f"{chance.randrange(2**64):016x}",
    }
    return orjson.dumps({**event, **more})


def _nested(value: bytes | None) -> bytes:
    """As a shipper of Kubernetes adds it: fourteen values in five objects."""
    event = orjson.loads(value or b"{}")
    chance = random.Random(event["event_id"])
    app = chance.choice(["shop", "cart"])
    labels = {"app": app, "tier": "web", "hash": f"{chance.randrange(10):x}"}
    pod = {"name": f"{app}-{chance.randrange(20)}", "uid": f"{chance.randrange(2**32):x}"}
    more = {
        "kubernetes": {"namespace": "prod", "pod": pod, "node": "n1", "labels": labels},
        "ecs": {"version": "8.11"},
        "http": {"request": {"bytes": chance.randrange(999)}, "version": "1.1"},
        "event": {"dataset": "app", "sequence": chance.randrange(10**6), "duration": 1.50},
        "tags": ["a", "b"],
    }
    return orjson.dumps({**event, **more})


def _other_names(value: bytes | None) -> bytes:
    """As loggers name them, without a route."""
    event = orjson.loads(value or b"{}")
    names = {"timestamp": "ts", "level": "severity", "response_time": "took"}
    kept = {names.get(key, key): one for key, one in event.items() if key != "environment"}
    return orjson.dumps({**kept, "msg": f"answered {event['event_id']}", "order_id": 7})
