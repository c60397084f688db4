"""Records by HTTP: what a record costs the gateway, next to a bare endpoint of the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import psutil
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from cli.stack.broker import Broker
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import end, free_port, spawn

TOPIC, RECORDS, SENDERS, SECONDS, WARM_SECONDS = "gateway-logs", 1000, 4, 8.0, 2.0
RECORD = {
    "timeUnixNano": "1777636770250000000",
    "observedTimeUnixNano": "1777636770250000000",
    "severityNumber": 9,
    "severityText": "INFO",
    # as base64, which protobuf's own JSON has
    "traceId": "W47/95gDgQPSabYzgT/GDA==",
    "spanId": "7uGbfsPBsXQ=",
    "attributes": [
        {"key": "code.function.name", "value": {"stringValue": "pay"}},
        {"key": "code.line.number", "value": {"intValue": "42"}},
    ],
}


def gateway(bootstrap: str, folder: Path) -> dict[str, float]:
    """CPU a record, records a core and second, and the answer's time, of both, by protocol.

    With the ratio of ours to the bare one, by the wall and by CPU; answers at half the load too.
    """
    kafka.create(Connection(bootstrap), TOPIC, 4)
    words = ["--bootstrap", bootstrap, "--lake", str(folder), "--port"]
    ours, peer = ["-m", "cli", "gateway", *words], ["-m", "benchmarks.gateway_peer"]
    found: dict[str, float] = {}
    for name, command in (("gateway", ours), ("bare", [*peer, bootstrap, TOPIC])):
        with serving(command) as (process, at):
            for path, (body, kind) in _bodies().items():
                for figure, value in _driven(process, at + path, body, kind).items():
                    found[f"{name}{path.replace('/', '_')}_{figure}"] = value
    for figure in ("records_per_second", "records_per_core_second"):
        for path in (each.replace("/", "_") for each in _bodies()):
            ratio = found[f"gateway{path}_{figure}"] / found[f"bare{path}_{figure}"]
            found[f"gateway_to_bare{path}_{figure}"] = ratio
    return found


def _bodies() -> dict[str, tuple[bytes, str]]:
    """A request of a thousand records by each protocol."""
    texts = [f"payment of order {n} failed" for n in range(RECORDS)]
    event = {"timestamp": "2026-05-01T11:59:30.250Z", "service": "cart", "level": "info"}
    lines = "\n".join(json.dumps(event | {"message": text, "host": "h1"}) for text in texts)
    records = [{**RECORD, "body": {"stringValue": text}} for text in texts]
    asked = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    request = ParseDict(asked, ExportLogsServiceRequest())
    return {
        "/ingest/bench": (lines.encode(), "application/x-ndjson"),
        "/v1/logs": (request.SerializeToString(), "application/x-protobuf"),
    }


def _driven(process: psutil.Process, url: str, body: bytes, kind: str) -> dict[str, float]:
    """The figures of one path with all senders at once, after its warm-up."""
    # a broker that has just started has no producer ids to give yet
    while not httpx.post(url, content=body, headers={"content-type": kind}, timeout=60).is_success:
        time.sleep(0.5)
    _send(url, body, kind, WARM_SECONDS)
    before, began = _cpu(process), time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [pool.submit(_send, url, body, kind, SECONDS) for _ in range(SENDERS)]
    times = sorted(one for sender in sent for one in sender.result())
    records, cpu = len(times) * RECORDS, _cpu(process) - before
    rate = records / (time.monotonic() - began)
    every = SENDERS * RECORDS / (rate / 2)
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [pool.submit(_send, url, body, kind, SECONDS, every) for _ in range(SENDERS)]
    at_half = sorted(one for sender in sent for one in sender.result())
    return {
        "records_per_second": rate,
        "records_per_core_second": records / cpu,
        "cpu_us_per_record": cpu / records * 1e6,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "half_load_p99_ms": at_half[int(len(at_half) * 0.99)] * 1000,
    }


def _send(url: str, body: bytes, kind: str, seconds: float, every: float = 0.0) -> list[float]:
    """How long each answer took [s], of one sender: from when it was due, where one is `every`."""
    due, took = time.monotonic(), list[float]()
    until = due + seconds
    with httpx.Client(timeout=60) as client:
        while time.monotonic() < until:
            time.sleep(max(0.0, due - time.monotonic()))
            began, due = (due if every else time.monotonic()), due + every
            client.post(url, content=body, headers={"content-type": kind}).raise_for_status()
            took.append(time.monotonic() - began)
    return took


@contextmanager
def serving(command: list[str]) -> Iterator[tuple[psutil.Process, str]]:
    """A server on a free port, which is the last word of its command, once it answers."""
    port = free_port()
    child = spawn([sys.executable, *command, str(port)], subprocess.DEVNULL, subprocess.DEVNULL)
    at = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(at)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield psutil.Process(child.pid), at
    finally:
        end(child, patience=15)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, Broker(f"{place}/broker") as broker:
        for name, figure in gateway(broker.bootstrap, Path(place)).items():
            click.echo(f"{name:45} {figure:12,.2f}")
