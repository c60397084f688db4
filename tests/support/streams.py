"""The streaming program as processes beside the tests, for each stops the Spark that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lakehouse import settings as settings_file
from lakehouse.paths import Places
from lakehouse.settings import Settings
from streaming.progress import BatchReport
from streaming.run import Hooks, Run


def settings(bootstrap: str, topic: str, lake: Path, **flags: Any) -> Settings:
    """The settings of a lake that only this test knows."""
    where = {"lake": str(lake), "kafka_bootstrap": bootstrap, "kafka_topic": topic}
    return settings_file.load(**where, spark_ui_port=0, **flags)


Once = Callable[[Settings], list[BatchReport]]


@contextmanager
def one_after_another() -> Iterator[Once]:
    """Runs `ingest_once` in a process that keeps its JVM from one run to the next."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield lambda asked: process.submit(ingest_once, asked).result()


def ingest_once(asked: Settings) -> list[BatchReport]:
    """Ingest what is there; the batches that it took."""
    batches: list[BatchReport] = []
    hooks = Hooks(on_batch=batches.append)
    Run(asked, Places.of(asked), threading.Event(), hooks, once=True)()
    return batches


def command(asked: Settings, *flags: str) -> list[str]:
    """The words that start a stream on the lake and topic of the settings."""
    kafka = asked.kafka
    where = ["--lake", asked.lake, "--bootstrap", kafka.bootstrap, "--topic", kafka.topic]
    return [sys.executable, "-m", "streaming", "stream", *where, *flags]


def start(asked: Settings, *flags: str) -> subprocess.Popen[str]:
    """`python -m streaming` on the lake and topic of the settings; both outputs are one."""
    return subprocess.Popen(
        command(asked, *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(asked),
    )


def recover(asked: Settings) -> str:
    """`recover ingest`, as a person would."""
    where = ["--lake", asked.lake, "--bootstrap", asked.kafka.bootstrap, "--topic"]
    command = [sys.executable, "-m", "streaming", "recover", "ingest", *where, asked.kafka.topic]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(asked))
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(asked: Settings) -> dict[str, str]:
    """What a child process needs to run with the same settings."""
    return {
        **os.environ,
        "PYTHONPATH": str(settings_file.CONF.parent),
        "LOGPOND_SPARK_UI_PORT": "0",
        "LOGPOND_CHECKPOINTS": asked.checkpoints,
        "LOGPOND_SOURCES": asked.sources,
        "LOGPOND_INGEST_MAX_OFFSETS": str(asked.ingest.max_offsets),
    }


@contextmanager
def running(asked: Settings, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A stream that does not outlive the test."""
    stream = start(asked, *flags)
    try:
        yield stream
    finally:
        stream.kill()
        stream.wait()


@contextmanager
def detecting(asked: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`detect` on the same lake, which says what it does in a file; it ends with the block."""
    command = [sys.executable, "-m", "anomaly", "detect", "--lake", asked.lake]
    with log.open("wb") as said:
        detect = subprocess.Popen(command, stdout=said, stderr=said, env=environment(asked))
    try:
        yield detect
    finally:
        detect.kill()
        detect.wait()


def until(stream: subprocess.Popen[str], words: str) -> list[str]:
    """The lines of a running stream up to the one that has these words."""
    assert stream.stdout
    lines: list[str] = []
    for line in stream.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"the stream ended before it said {words!r}:\n{''.join(lines)}")


def stop(stream: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    """Ask a stream to end; its exit code, and what else it said."""
    stream.send_signal(number)
    said, _ = stream.communicate(timeout=60)
    return stream.returncode, said
