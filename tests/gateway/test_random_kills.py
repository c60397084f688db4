"""All parts are killed at random: what the gateway acknowledged is in the lake, once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from support.asked import answer
from support.lakes import Lake
from support.sending import started
from support.streams import Once, command, environment, settings

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.runtime.processes import Child, end, free_port, spawn
from lakehouse.settings import Settings

KILLS = int(os.environ.get("GATEWAY_KILLS", "3"))
# The stream takes longest to be back: the three kills of each CI leave it running.
VICTIMS = ("gateway", "broker", "sender", "stream")
SENDERS, TOPIC, PATIENCE_SECONDS = 3, "gateway-logs", 60
pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]


@dataclass
class Work:
    """A gateway under load, a stream behind it; each may be killed, and is started again."""

    root: Path
    broker: Broker
    port: int = field(default_factory=free_port)
    senders: list[Child] = field(default_factory=list)
    gateway: ExitStack = field(default_factory=ExitStack)
    names: Iterator[int] = field(default_factory=count)

    @property
    def lake(self) -> Path:
        """Where the records end up."""
        return self.root / "lake"

    @property
    def asked(self) -> Settings:
        """What a stream behind it is given."""
        sources = str(self.lake / "sources.toml")
        return settings(self.broker.bootstrap, TOPIC, self.lake, sources=sources)

    @property
    def acked(self) -> set[str]:
        """The records that senders know to be taken."""
        file = self.root / "acked"
        return {*file.read_text().split("\n")[:-1]} if file.is_file() else set()

    def start_gateway(self) -> None:
        """At the same port each time."""
        self.lake.mkdir(exist_ok=True)
        where = (self.broker.bootstrap, TOPIC, self.lake, self.port)
        soon = started(*where, LOGPOND_GATEWAY_DEADLINE_SECONDS="3")
        self.child, self.at = self.gateway.enter_context(soon)

    def start_stream(self) -> None:
        """From where the one before was killed."""
        with (self.root / "stream").open("wb") as said:
            self.stream = spawn(command(self.asked), said, said, environment(self.asked))

    def kill_stream(self, chance: random.Random) -> None:
        """After a batch of it, or at any moment of its start; it may not end by itself."""
        until = time.monotonic() + PATIENCE_SECONDS * chance.choice((1, 1, 0.2))
        while b" batch " not in self.streamed and time.monotonic() < until:
            assert self.stream.poll() is None, self.streamed.decode()
            time.sleep(0.1)
        self.stream.kill()
        self.stream.wait()
        self.start_stream()

    @property
    def streamed(self) -> bytes:
        """What the stream said since it was started last."""
        return (self.root / "stream").read_bytes()

    def start_sender(self) -> None:
        """One more, whose records have names of their own."""
        script = str(Path(__file__).parents[1] / "support" / "sending_child.py")
        words = [f"http://127.0.0.1:{self.port}", str(self.root / "acked"), f"s{next(self.names)}"]
        with (self.root / "senders").open("ab") as said:
            child = spawn(
                [sys.executable, script, *words], subprocess.DEVNULL, said, {**os.environ}
            )
        self.senders.append(child)

    def kill(self, victim: str, chance: random.Random) -> None:
        """As a crash does; then it is started again."""
        if victim == "stream":
            self.kill_stream(chance)
        elif victim == "broker":
            self.broker.kill()
            self.broker.start()
        elif victim == "gateway":
            self.child.kill()
            self.child.wait()
            self.gateway.close()
            self.start_gateway()
        else:
            sender = self.senders.pop(chance.randrange(len(self.senders)))
            assert sender.poll() is None, (self.root / "senders").read_text()
            sender.kill()
            sender.wait()
            self.start_sender()

    def go_on(self, records: int) -> None:
        """Waits until so many more records are taken."""
        wanted, until = len(self.acked) + records, time.monotonic() + PATIENCE_SECONDS
        while len(self.acked) < wanted:
            assert time.monotonic() < until, (self.root / "senders").read_text()
            time.sleep(0.1)


@contextmanager
def at_work(root: Path) -> Iterator[Work]:
    """A gateway with a broker and senders of its own; nothing of them outlives the test."""
    with Broker(str(root / "broker")) as broker:
        broker.wanted_port = broker.port
        kafka.create(broker.connection, TOPIC, partitions=2)
        work = Work(root, broker)
        try:
            work.start_gateway()
            for _ in range(SENDERS):
                work.start_sender()
            work.start_stream()
            yield work
        finally:
            end(work.stream, patience=1)
            for sender in work.senders:
                end(sender, patience=1)
            work.gateway.close()


def found(lake: Lake) -> tuple[dict[str, int], str]:
    """How often each record is in `logs_once`, and all payloads in quarantine."""
    rows = answer(lake, "SELECT message, count(*) AS n FROM logs_once GROUP BY message")
    (payloads,) = answer(lake, "SELECT string_agg(payload, '|') AS all_of FROM quarantine")
    return {row["message"]: row["n"] for row in rows}, payloads["all_of"] or ""


@pytest.mark.timeout(3600)
def test_what_was_acknowledged_is_in_the_lake(tmp_path: Path, once: Once) -> None:
    """Each record in `logs_once` once, or what is no JSON in quarantine, whoever was killed."""
    chance = random.Random(KILLS)
    with at_work(tmp_path) as work:
        work.go_on(100)
        for number in range(KILLS):
            time.sleep(chance.uniform(0, 1.5))
            work.kill(VICTIMS[number % len(VICTIMS)], chance)
        work.go_on(100)
        acked, asked = work.acked, work.asked
        assert end(work.stream, patience=PATIENCE_SECONDS) in (0, -signal.SIGTERM), work.streamed
        for sender in work.senders:
            end(sender, patience=1)
        once(asked)
        verdict = verify(Places.of(asked))
    counts, payloads = found(Lake(Places.of(asked)))
    assert verdict.ok, verdict
    assert {*counts.values()} == {1}
    assert {name for name in acked - counts.keys() if f"broken {name}" not in payloads} == set()
