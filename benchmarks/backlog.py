"""Ingest of a filled topic against the peer, both from the same broker, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.ours import Batch, ingest
from lakehouse.settings import load


def ours(bootstrap: str, topic: str, lake: str) -> dict[str, float]:
    """Cold: the first half of the batches; warm: the rest. CPU in microseconds an event."""
    with ingest(bootstrap, topic, lake, "--once") as running:
        batches = list(running.batches())
        peak = running.meter.peak_bytes
    half = len(batches) // 2
    return {
        **_rates("cold", batches[:half]),
        **_rates("warm", batches[half - 1 :]),
        "peak_mb": peak / 2**20,
    }


def peer(bootstrap: str, topic: str, table: str) -> dict[str, float]:
    """The same halves of the plain consumer."""
    return _last_half("benchmarks.peer", bootstrap, topic, table)


def spark(bootstrap: str, topic: str, table: str) -> dict[str, float]:
    """The same halves of Spark with its own source, parser and Delta sink."""
    return _last_half("benchmarks.spark_peer", bootstrap, topic, table)


def ratios(own: dict[str, float], **peers: dict[str, float]) -> dict[str, float]:
    """Ours to each peer: events a second (more is better), CPU of an event (less is)."""
    return {
        f"ingest_to_{name}_{figure}": own[figure] / peer[figure]
        for name, peer in peers.items()
        for figure in ("warm_events_per_second", "warm_cpu_us")
    }


def _last_half(module: str, bootstrap: str, topic: str, table: str) -> dict[str, float]:
    batch = str(load().ingest.max_offsets)
    words = [sys.executable, "-m", module, bootstrap, topic, table, batch]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if line.startswith("{")]
    batches: list[dict[str, Any]] = [*map(json.loads, lines)]
    last = batches[len(batches) // 2 - 1 :]
    rows, seconds = sum(b["rows"] for b in last[1:]), last[-1]["at"] - last[0]["at"]
    return {
        "warm_events_per_second": rows / seconds,
        "warm_cpu_us": (last[-1]["cpu"] - last[0]["cpu"]) / rows * 1e6,
    }


def _rates(name: str, batches: list[Batch]) -> dict[str, float]:
    """Rates from the end of the first batch to the end of the last."""
    rows = sum(batch.rows for batch in batches[1:])
    used = batches[-1].usage - batches[0].usage
    return {
        f"{name}_events_per_second": rows / (batches[-1].at - batches[0].at),
        f"{name}_cpu_us": used.total / rows * 1e6,
        f"{name}_jvm_cpu_us": used.jvm / rows * 1e6,
        f"{name}_workers_cpu_us": used.workers / rows * 1e6,
    }
