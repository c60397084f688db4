"""A broker behind a proxy, a producer and a stream at work, and what a fault did to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.promise import broken
from support.proxy import Proxy
from support.streams import environment, settings

from cli.stack import broker as broker_module
from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.ingest.offsets import Offsets
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings

PATIENCE_SECONDS = 240.0
ADVERTISED = "advertised.listeners=PLAINTEXT://127.0.0.1:{port}"
TOPIC = "under-fault"
LOAD = ("--rate", "100", "--malformed", "0.05", "--duplicates", "0.01", "--late", "0")


@dataclass
class Pipeline:
    """All that is at work on a lake; the stream is started again where it ended."""

    root: Path
    broker: Broker
    proxy: Proxy
    settings: Settings
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """Where the lake is."""
        return Places.of(self.settings)

    def log(self, name: str) -> str:
        """What a program said."""
        return (self.root / f"{name}.log").read_text(errors="replace")

    def start_load(self) -> None:
        """Send records until the end."""
        kafka_ = self.settings.kafka
        to = ["--bootstrap", kafka_.bootstrap, "--topic", kafka_.topic, "--format", "json"]
        where = ["--lake", str(self.root / "producer")]
        self._spawn("producer", ["-m", "producer", *to, *where, *LOAD])

    def start_stream(self) -> None:
        """Stream, under `prefix` and with `variables`."""
        kafka_ = self.settings.kafka
        where = ["--lake", self.settings.lake, "--bootstrap", kafka_.bootstrap]
        flags = ["--topic", kafka_.topic, "--trigger", "0.5"]
        self._spawn("stream", ["-m", "streaming", "stream", *where, *flags])

    def keep_running(self) -> None:
        """Start the stream again where it ended, as a supervisor would."""
        if self.processes["stream"].poll() is not None:
            self.start_stream()

    def kill(self, name: str = "stream") -> None:
        """End a program as a crash does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart_stream(self, *prefix: str, **variables: str) -> None:
        """Another stream in the place of this one, in another environment, and wait for it."""
        self.end("stream")
        self.prefix, self.variables = prefix, variables
        self.start_stream()
        self.take(2)

    def end(self, name: str) -> int:
        """Ask a program to end; its exit code."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(90)

    def taken(self) -> Offsets:
        """One past the last record of each partition that completed batches took."""
        checkpoint = INGEST.checkpoint(self.places)
        progress = checkpoint.progress()
        if progress is None or progress.completed is None:
            return {}
        return checkpoint.end(progress.completed)[self.settings.kafka.topic]

    def take(self, batches: int) -> None:
        """Wait until so many more batches are completed."""
        before = self._completed()
        self.wait_for(lambda: self._completed() >= before + batches)

    def catch_up(self) -> None:
        """Wait until all that is in the topic now is taken."""
        ends = self._ends()
        self.wait_for(lambda: all(self.taken().get(p, 0) >= end for p, end in ends.items()))

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait for what has to come; meanwhile the stream is kept running."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            self.keep_running()
            assert time.monotonic() < until, self.log("stream")[-3000:]
            time.sleep(0.1)

    def checked(self) -> tuple[list[str], Verdict]:
        """What is wrong with the completed batches by an outsider's count, and by `verify`."""
        kafka_ = self.settings.kafka
        wrong = broken(kafka_.bootstrap, self.places, kafka_.topic, self.taken())
        return wrong, verify(self.places)

    def acked(self) -> int:
        """How many records the producer knows to be in the topic."""
        lines = self.log("producer").splitlines()
        counts = [json.loads(line)["acked"] for line in lines if line.startswith("{")]
        return max(counts, default=0)

    def _completed(self) -> int:
        progress = INGEST.checkpoint(self.places).progress()
        return -1 if progress is None or progress.completed is None else progress.completed

    def _ends(self) -> Offsets:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(BrokerError):
                kafka_ = self.settings.kafka
                ends = kafka.offsets(Connection(kafka_.bootstrap), kafka_.topic)
                return {partition: end for partition, (_, end) in ends.items()}
            assert time.monotonic() < until, "the broker does not answer again"

    def _spawn(self, name: str, arguments: list[str]) -> None:
        is_stream = name == "stream"
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*(self.prefix if is_stream else ()), sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment(self.settings), **(self.variables if is_stream else {})},
                start_new_session=True,
            )


@contextmanager
def at_work(root: Path, **variables: str) -> Iterator[Pipeline]:
    """A pipeline that has taken its first batches; nothing of it outlives the test.

    `variables` are of the stream's environment.
    """
    proxy, patch = Proxy(), pytest.MonkeyPatch()
    properties = broker_module.PROPERTIES.replace(ADVERTISED, ADVERTISED.format(port=proxy.port))
    patch.setattr(broker_module, "PROPERTIES", properties)
    asked = settings(f"127.0.0.1:{proxy.port}", TOPIC, root / "lake")
    made = Pipeline(root, Broker(str(root / "broker")), proxy, asked, variables=variables)
    try:
        with made.broker as broker:
            proxy.target = broker.wanted_port = broker.port
            kafka.create(Connection(asked.kafka.bootstrap), TOPIC, partitions=2)
            made.start_load()
            made.start_stream()
            made.take(2)
            yield made
    finally:
        for process in made.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        proxy.close()
        patch.undo()
