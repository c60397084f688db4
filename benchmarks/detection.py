"""What detection costs: a minute of many keys, what is held of each, a start after a day.

The peer is the plain z-score over a sliding hour, on the same minutes in the same run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from anomaly.engine.config import Config
from anomaly.engine.detectors import METHODS
from anomaly.engine.engine import Engine
from anomaly.engine.minute import Minutes
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.fold import fold
from anomaly.lake.minutes import closed_minutes
from benchmarks.keys import WARM, minutes, warm
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.horizon import mark

KEYS, MANY = 1000, 100_000
DAY = 1440
FIRST = datetime(2026, 5, 1, tzinfo=UTC)
# Minutes that rates are taken of, and different ones among them.
TIMED, MADE = 200, 30
# The peer holds all of its window from the first minute on, and takes a second for each.
PEER_MINUTES = 3


def detection(folder: Path) -> dict[str, float]:
    """Key-buckets a second of one core, bytes of state a key, MB of a process, seconds to start."""
    made = minutes(KEYS, MADE)
    found: dict[str, float] = {}
    for method in METHODS:
        found[f"{method}_key_buckets_per_second"] = rate(made, method)
    found["ratio_of_rates"] = _ratio(found, "key_buckets_per_second")
    for method in METHODS:
        found[f"{method}_state_bytes_a_key"] = state(made, method)
    found["ratio_of_states"] = _ratio(found, "state_bytes_a_key")
    for method, count in (("surprise", WARM), ("zscore", PEER_MINUTES)):
        found[f"{method}_100000_keys_mb"] = _held(method, count)
    found["ratio_of_100000_keys"] = _ratio(found, "100000_keys_mb")
    return found | restart(folder)


def rate(made: list[Minutes], method: str) -> float:
    """Key-buckets a CPU second, once the keys are warm."""
    engine = warm(made, method)
    began = time.process_time()
    for at in range(WARM, WARM + TIMED):
        engine.fold(replace(made[at % len(made)], at=at))
    return TIMED * len(engine.keys.listed) / (time.process_time() - began)


def state(made: list[Minutes], method: str) -> float:
    """Bytes of all columns, a key."""
    engine = warm(made, method)
    columns = [one for held in engine.dump().columns.values() for one in held.values()]
    return sum(len(one.data) for one in columns) / len(engine.keys.listed)


def restart(folder: Path) -> dict[str, float]:
    """Seconds until a day of 1,000 keys is folded again, without a snapshot."""
    places = Places(f"{folder}/restart", f"{folder}/restart/_checkpoints")
    _closed(places)
    began = time.monotonic()
    Detection(places, Config())()
    ours = time.monotonic() - began
    began = time.monotonic()
    fold(Engine(Config(), "zscore"), closed_minutes(store.open_table(places, MINUTES.name)))
    peer = time.monotonic() - began
    return {
        "restart_seconds": ours,
        "zscore_restart_seconds": peer,
        "ratio_of_restarts": ours / peer,
    }


def _closed(places: Places) -> None:
    """A day of closed minutes, in one commit for each of its hours."""
    prepare_tables(places, Anomaly())
    made = minutes(KEYS, MADE)
    for hour in range(DAY // 60):
        these = range(hour * 60, hour * 60 + 60)
        rows = pa.concat_tables(rows_of(made[at % MADE], at) for at in these)
        first, end = (FIRST + timedelta(hours=h) for h in (hour, hour + 1))
        where = f"granularity = '1m' AND window_start >= '{first:%Y-%m-%dT%H:%M:%SZ}'"
        done = store.Replacement(rows, where, mark(end))
        store.replace(places, MINUTES.table(), lambda _current, done=done: done)


def rows_of(one: Minutes, at: int) -> pa.Table:
    """A minute as rows of `logs_windowed`."""
    since, held = FIRST + timedelta(minutes=at), one.latency
    start = pa.array(held.start, pa.int32())
    columns = {
        "granularity": "1m",
        "date": since.date(),
        "window_start": since,
        "window_end": since + timedelta(minutes=1),
        "service": "bench",
        "endpoint": [key.endpoint for key in one.keys],
        "request_count": one.requests,
        "client_errors": one.client_errors,
        "server_errors": one.server_errors,
        "_response_time_histogram": pa.MapArray.from_arrays(
            start, pa.array(held.bucket, pa.int32()), pa.array(held.count, pa.int64())
        ),
        "logs_version": 1,
    }
    arrays = [_column(columns.get(f.name), f, len(one.keys)) for f in MINUTES.columns]
    return pa.Table.from_arrays(arrays, schema=MINUTES.columns)


def _column(values: object, field: pa.Field, rows: int) -> pa.Array:
    """An array as it is, or one value for all rows."""
    if isinstance(values, pa.Array):
        return values.cast(field.type)
    if isinstance(values, list | np.ndarray):
        return pa.array(values, field.type)
    return pa.repeat(pa.scalar(values, field.type), rows)


def _ratio(found: dict[str, float], figure: str) -> float:
    return found[f"surprise_{figure}"] / found[f"zscore_{figure}"]


def _held(method: str, count: int) -> float:
    """MB that a process comes to which holds 100,000 keys for so many minutes, and nothing else."""
    words = [sys.executable, "-m", "benchmarks.keys", method, str(MANY), str(count)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
