"""Builders: a gateway within the test, or as a process of its own, and what it sent."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from support.produced import values
from support.records import raw
from support.serving import serving

from gateway.access import Access
from gateway.app import create
from gateway.delivery import Delivery
from gateway.memory import Budget
from lakehouse.decode import Limits, decode
from lakehouse.formats.reading import Reading
from lakehouse.http.tokens import Tokens
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import Child, end, free_port, spawn
from lakehouse.settings import load
from lakehouse.sources import sources_of

TOKEN = "a-token-of-the-tests"
PATIENCE_SECONDS = 60
SOURCES = """
[gateway]
topics = ["{topic}"]
[apache]
topics = ["{topic}-apache"]
format = "access-log"
[shop]
topics = ["{topic}-shop"]
[many]
pattern = ".*-many"
"""
# Events of any time are taken.
LIMITS = Limits(ahead=timedelta(days=36500), behind=None, payload_cap=1 << 20)


@dataclass(frozen=True)
class Door:
    """A gateway at an address, and the topic that it sends to."""

    at: str
    bootstrap: str
    topic: str
    budget: Budget

    def post(self, path: str, body: bytes | str = b"", **headers: str) -> httpx.Response:
        """What it answers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(self.at + path, content=body, headers=named, timeout=PATIENCE_SECONDS)

    def sent(self) -> list[bytes]:
        """The records of the topic."""
        return [value or b"" for value in values(self.bootstrap, self.topic)]

    def messages(self) -> list[dict[str, Any]]:
        """The same as objects, by their text."""
        return [json.loads(value) for value in sorted(self.sent())]


@contextmanager
def opened(bootstrap: str, topic: Topic, folder: Path, **settings: Any) -> Iterator[Door]:
    """A gateway, which ends with the test; its own user needs no token."""
    sources = folder / "sources.toml"
    sources.write_text(SOURCES.format(topic=topic.name))
    known = load(lake=str(folder), gateway_topic=topic.name, sources=str(sources), **settings)
    budget = Budget(known.gateway.memory_mb << 20)
    delivery = Delivery(Connection(bootstrap), budget, known.gateway.deadline_seconds)
    access = Access(Tokens(folder / "tokens"), is_open_to_own_user=True)
    app = create(delivery, access, sources_of(known), known)
    with serving(app, known.http, lifespan="off") as at:
        yield Door(at, bootstrap, topic.name, budget)
    delivery.close()


def events(values: list[bytes]) -> list[dict[str, Any]]:
    """What ingest makes of records of the gateway's topic, none of which it rejects."""
    found = decode(raw(values), LIMITS, {"web-logs": Reading(source="gateway")})
    assert found.rejects.num_rows == 0, found.rejects.to_pylist()
    return cast(list[dict[str, Any]], found.events.to_pylist())


@contextmanager
def started(
    bootstrap: str, topic: str, lake: Path, port: int = 0, **settings: str
) -> Iterator[tuple[Child, str]]:
    """`logpond gateway` as a process that answers, and its address."""
    port, sources = port or free_port(), lake / "sources.toml"
    sources.write_text(SOURCES.format(topic=topic))
    where = ["--bootstrap", bootstrap, "--topic", topic, "--sources", str(sources)]
    words = ["--lake", str(lake), "--port", str(port), *where]
    child = spawn(
        [sys.executable, "-m", "cli", "gateway", *words],
        subprocess.DEVNULL,
        subprocess.DEVNULL,
        {**os.environ, **settings},
    )
    at = f"http://127.0.0.1:{port}"
    try:
        _until_it_answers(child, at)
        yield child, at
    finally:
        end(child, patience=15)


def _until_it_answers(child: Child, at: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            assert httpx.get(f"{at}/healthz").text == "ok\n"
            return
        except httpx.TransportError:
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)


def protobuf(body: bytes) -> bytes:
    """A request of OTLP in protobuf, of one in OTLP's JSON."""
    found = json.loads(body)
    for resource in found["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                for key in record.keys() & {"traceId", "spanId"}:
                    record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()
    request = ParseDict(found, ExportLogsServiceRequest())
    return cast(bytes, request.SerializeToString())
