"""Who can reach what: every socket that a program listens at is in a list, on this machine only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from support.lakes import Lake

from lakehouse.paths import Places
from lakehouse.runtime.embedded_kafka import embedded
from lakehouse.runtime.processes import Child, end, free_port, spawn
from lakehouse.settings import load

# Program, address, port by its use; `free`: a port that the system chose.
LISTENING = {
    ("up", "127.0.0.1", "kafka"),
    ("up", "127.0.0.1", "pages"),
    ("up", "127.0.0.1", "gateway"),
    ("up", "127.0.0.1", "postgres"),
    ("up", "127.0.0.1", "spark"),
    ("up", "127.0.0.1", "free"),
    ("detect", "127.0.0.1", "spark"),
    ("detect", "127.0.0.1", "free"),
    ("web", "127.0.0.1", "pages"),
    ("spark-ui", "127.0.0.1", "history"),
    ("sql", "127.0.0.1", "free"),
    ("service-metrics", "127.0.0.1", "free"),
}
PATIENCE_SECONDS = 500


class Programs:
    """Programs of one lake, each as `logpond NAME`, with the ports that they are told."""

    def __init__(self, place: Path, opened: ExitStack) -> None:
        self.place, self._opened = place, opened
        self.running: dict[str, Child] = {}
        self.uses: dict[int, str] = {}

    def start(self, name: str, *words: str, **settings: str) -> None:
        """One more, which ends with the test."""
        command = [sys.executable, "-m", "cli", name, *words]
        with (self.place / f"{name}.log").open("wb") as log:
            child = spawn(command, log, subprocess.STDOUT, {**os.environ, **settings})
        self.running[name] = child
        self._opened.callback(end, child)

    def port(self, use: str) -> str:
        """A free port, known by its use from now on."""
        self.uses[port := free_port()] = use
        return str(port)

    def listening(self) -> Iterator[tuple[str, str, str]]:
        """What they and their children listen at now."""
        for name, child in self.running.items():
            with suppress(psutil.NoSuchProcess):
                first = psutil.Process(child.pid)
                for process in [first, *first.children(recursive=True)]:
                    for found in self._of(process):
                        yield name, *found

    def _of(self, process: psutil.Process) -> Iterator[tuple[str, str]]:
        with suppress(psutil.NoSuchProcess):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN:
                    address = one.laddr.ip.removeprefix("::ffff:")
                    yield address, self.uses.get(one.laddr.port, "free")

    def seen(self) -> set[tuple[str, str, str]]:
        """All that they listened at until everything in the list was there."""
        seen: set[tuple[str, str, str]] = set()
        until = time.monotonic() + PATIENCE_SECONDS
        while not seen >= LISTENING and time.monotonic() < until:
            seen |= {*self.listening()}
            time.sleep(0.2)
        return seen

    def said(self, name: str) -> str:
        """The end of what a program printed."""
        return (self.place / f"{name}.log").read_text()[-1000:]


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """None yet; those that are started are ended."""
    with ExitStack() as opened:
        yield Programs(tmp_path, opened)


def start_the_stack(programs: Programs, lake: str) -> None:
    """Kafka, the producer, ingest and the pages, until there are rows."""
    settings = {
        "LOGPOND_SPARK_EVENT_LOG_MB": "10",
        "LOGPOND_SPARK_UI_PORT": programs.port("spark"),
        "LOGPOND_WEB_PORT": programs.port("pages"),
        "LOGPOND_GATEWAY_PORT": programs.port("gateway"),
        "LOGPOND_POSTGRES_PORT": programs.port("postgres"),
    }
    programs.start("up", "--lake", lake, "--rate", "50", **settings)
    until = time.monotonic() + PATIENCE_SECONDS
    while not Path(lake, "logs", "_delta_log").is_dir():
        assert time.monotonic() < until, programs.said("up")
        time.sleep(1)
    bootstrap = embedded(Places.of(load(lake=lake)))
    programs.uses[int(str(bootstrap).rpartition(":")[2])] = "kafka"


def start_the_others(programs: Programs, lake: str, another: str) -> None:
    """Every other program that listens, or runs Spark; detection runs once a lake."""
    at, input_ = ("--lake", lake), str(programs.place / "services")
    programs.start("web", *at, "--port", programs.port("pages"))
    programs.start("spark-ui", *at, "--port", programs.port("history"))
    programs.start("detect", "--lake", another, LOGPOND_ANOMALY_UI_PORT=programs.port("spark"))
    asked = ("SELECT COUNT(*) FROM logs", "--engine", "spark")
    programs.start("sql", *asked, *at)
    made = [sys.executable, "-m", "cli", "files", "services", "--output-dir", input_, "--hours=2"]
    subprocess.run(made, check=True, capture_output=True)
    programs.start("service-metrics", "--input", input_, "--output", f"{input_}-results")


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE_SECONDS)
def test_programs_listen_where_the_list_says(programs: Programs, lake: Lake) -> None:
    """All programs beside each other: each socket is in the list, and each of the list is there."""
    lake.admit()
    lake.batch(0, {0: 5})
    stack = str(programs.place / "stack")
    start_the_stack(programs, stack)
    start_the_others(programs, stack, lake.places.lake)
    seen = programs.seen()
    assert seen == LISTENING, {name: programs.said(name) for name in programs.running}
