"""Nothing that was acknowledged is lost, whatever is killed; what is slow is said, and soon."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import psutil
import pytest
from support.produced import event_ids
from support.sending import started

from cli.stack.broker import Broker
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic

SENDERS, RECORDS = 4, 50
pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may freeze and kill."""
    with Broker(str(tmp_path / "broker")) as running:
        yield running


class Load:
    """Senders that go on until they are stopped; of each record they know whether it is taken."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses, self.acked, self.statuses = addresses, set[str](), list[int]()
        self.stop, self._numbers = threading.Event(), count()
        self._pool = ThreadPoolExecutor(SENDERS)
        self._senders = [self._pool.submit(self._send) for _ in range(SENDERS)]

    def end(self) -> None:
        """Waits for all senders."""
        self.stop.set()
        for sender in self._senders:
            sender.result(60)
        self._pool.shutdown()

    def until(self, acked: int) -> None:
        """Waits until so many records are acknowledged."""
        until = time.monotonic() + 60
        while len(self.acked) < acked:
            assert time.monotonic() < until, self.statuses[-5:]
            time.sleep(0.01)

    def _send(self) -> None:
        while not self.stop.is_set():
            ids = [f"e-{next(self._numbers)}" for _ in range(RECORDS)]
            body = "\n".join(json.dumps({"event_id": one}) for one in ids)
            try:
                found = httpx.post(f"{self.addresses[-1]}/ingest/app", content=body, timeout=30)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            self.statuses.append(found.status_code)
            if found.status_code == 200:
                assert found.json()["taken"] == RECORDS
                self.acked.update(ids)


def test_the_gateway_is_killed_under_load(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """All that it acknowledged is in the topic; the next one goes on."""
    with started(broker.bootstrap, topic.name, tmp_path) as (child, at):
        load = Load([at])
        load.until(500)
        child.kill()
        child.wait()
        before = len(load.acked)
        with started(broker.bootstrap, topic.name, tmp_path) as (_, another):
            load.addresses.append(another)
            load.until(before + 500)
            load.end()
    assert load.acked <= {*event_ids(broker.bootstrap, topic.name)}


def test_kafka_is_killed_under_load(own_broker: Broker, tmp_path: Path) -> None:
    """Senders are told to come again, and all that was acknowledged is in the topic afterwards."""
    topic = kafka.create(own_broker.connection, "gateway-logs", 2).name
    with started(own_broker.bootstrap, topic, tmp_path, LOGPOND_GATEWAY_DEADLINE_SECONDS="2") as (
        _,
        at,
    ):
        load = Load([at])
        load.until(500)
        own_broker.kill()
        before, until = len(load.statuses), time.monotonic() + 60
        while 503 not in load.statuses[before:]:
            assert time.monotonic() < until
            time.sleep(0.05)
        own_broker.wanted_port = own_broker.port
        own_broker.start()
        load.until(len(load.acked) + 500)
        load.end()
    assert {*load.statuses} <= {200, 429, 503}
    assert load.acked <= {*event_ids(own_broker.bootstrap, topic)}


def test_a_frozen_kafka_costs_no_memory(own_broker: Broker, tmp_path: Path) -> None:
    """Bodies of 8 MB from many senders: 429 and 503, under 300 MB; then all is taken again."""
    topic = kafka.create(own_broker.connection, "gateway-logs", 2).name
    assert own_broker.child
    line = json.dumps({"message": "x" * 900}).encode() + b"\n"
    body = line * (8_000_000 // len(line))
    soon = {"LOGPOND_GATEWAY_DEADLINE_SECONDS": "4"}
    with started(own_broker.bootstrap, topic, tmp_path, **soon) as (child, at):
        url = f"{at}/ingest/app"
        assert httpx.post(url, content=body, timeout=60).status_code == 200
        os.kill(own_broker.child.pid, signal.SIGSTOP)
        try:
            found, held = asked_at_once(url, body, psutil.Process(child.pid))
        finally:
            os.kill(own_broker.child.pid, signal.SIGCONT)
        until = time.monotonic() + 60
        while httpx.post(url, content=line, timeout=60).status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
    assert {one.status_code for one in found} == {429, 503}
    assert all(int(one.headers["retry-after"]) for one in found)
    assert held < 300 << 20


def asked_at_once(
    url: str, body: bytes, gateway: psutil.Process
) -> tuple[list[httpx.Response], int]:
    """What 16 senders are answered four times each, and the most memory of it meanwhile."""
    with ThreadPoolExecutor(16) as senders:
        asked = [senders.submit(httpx.post, url, content=body, timeout=60) for _ in range(64)]
        held = 0
        while not all(one.done() for one in asked):
            held = max(held, gateway.memory_info().rss)
            time.sleep(0.02)
    return [one.result() for one in asked], held
