"""A lake in a bucket or a folder, two streams: one writes, and dies or is frozen; a standby waits.

FROZEN_SECONDS says how long it is frozen at least; at night five minutes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support import produced, streams
from support.bucket import Bucket
from support.promise import broken

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.faults,
    pytest.mark.broker,
    pytest.mark.spark,
    pytest.mark.timeout(900),
]
RATE = "500"


FROZEN_SECONDS = float(os.environ.get("FROZEN_SECONDS", "5"))
WARM_SECONDS = 120.0


@pytest.fixture(params=["bucket", "folder"])
def asked(
    request: pytest.FixtureRequest,
    bucket: Bucket,
    broker: Broker,
    topic: Topic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """The settings of a lake in each of them."""
    monkeypatch.chdir(tmp_path)
    lake = {"bucket": bucket.url, "folder": str(tmp_path / "lake")}[request.param]
    return streams.settings(broker.bootstrap, topic.name, lake)  # type: ignore[arg-type]


def family(stream: subprocess.Popen[str]) -> list[psutil.Process]:
    """A stream with the JVM and the workers that it started."""
    whole = psutil.Process(stream.pid)
    return [whole, *whole.children(recursive=True)]


def signalled(processes: list[psutil.Process], number: int) -> None:
    """Sends all of them a signal."""
    for each in processes:
        each.send_signal(number)


def until_warm(stream: subprocess.Popen[str]) -> None:
    """Waits until a standby has a worker of Spark, which only a batch would start else."""
    until = time.monotonic() + WARM_SECONDS
    while not has_worker(stream):
        assert time.monotonic() < until, "the standby has no worker"
        time.sleep(0.5)


def has_worker(stream: subprocess.Popen[str]) -> bool:
    """Whether the process that forks workers is there; those that end meanwhile are none."""
    with suppress(psutil.NoSuchProcess):
        commands = [one.as_dict(["cmdline"], [])["cmdline"] for one in family(stream)]
        return any("pyspark.daemon" in command for command in commands)
    return False


def whole(asked: Settings, acked: int) -> list[str]:
    """What is wrong with the lake."""
    with streams.running(asked, "--once") as rest:
        heard, _ = rest.communicate(timeout=200)
    assert rest.returncode == 0, heard
    places = Places.of(asked)
    verdict = verify(places)
    faults = broken(asked.kafka.bootstrap, places, asked.kafka.topic)
    is_whole = verdict.ok and verdict.records == acked
    return faults if is_whole else [*faults, str(verdict)]


def test_a_standby_takes_over_under_load(
    asked: Settings, broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """After a `kill -9`; every acked record is there. How long it took is said (`pytest -s`)."""
    load = produced.start(broker.bootstrap, topic.name, tmp_path, "--rate", RATE)
    with (
        streams.running(asked, "--trigger", "1") as first,
        streams.running(asked, "--trigger", "1", "--standby") as second,
    ):
        streams.until(first, " batch ")
        waits = streams.until(second, "standing by")[-1]
        until_warm(second)
        killed = time.monotonic()
        first.kill()
        streams.until(second, " batch ")
        print(f"taken over after {time.monotonic() - killed:.1f} s")
        load.terminate()
        acked = produced.end(load).last["acked"]
        code, _ = streams.stop(second)
    assert (f"process {first.pid}" in waits, code) == (True, 0)
    assert whole(asked, acked) == []


@pytest.mark.parametrize("asked", ["bucket"], indirect=True)
@pytest.mark.parametrize("with_java", [False, True])
def test_a_stream_that_was_frozen_ends(
    asked: Settings, broker: Broker, topic: Topic, tmp_path: Path, with_java: bool
) -> None:
    """It comes back after another took over, and ends with one sentence and exit code 6."""
    load = produced.start(broker.bootstrap, topic.name, tmp_path, "--rate", RATE)
    with (
        streams.running(asked, "--trigger", "0.2") as first,
        streams.running(asked, "--trigger", "0.2", "--standby") as second,
    ):
        streams.until(first, " batch ")
        streams.until(second, "standing by")
        frozen = family(first) if with_java else [psutil.Process(first.pid)]
        signalled(frozen, signal.SIGSTOP)
        since = time.monotonic()
        streams.until(second, " batch ")
        time.sleep(max(0.0, FROZEN_SECONDS - (time.monotonic() - since)))
        signalled(frozen, signal.SIGCONT)
        heard, _ = first.communicate(timeout=120)
        streams.until(second, " batch ")
        load.terminate()
        acked = produced.end(load).last["acked"]
        code, rest = streams.stop(second)
    assert (first.returncode, code) == (6, 0), heard + rest
    assert "error: this process lost its lease" in heard
    assert "Traceback" not in heard + rest
    assert whole(asked, acked) == []


def test_a_stream_that_is_frozen_keeps_a_folder(
    broker: Broker, topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives, and goes on when it comes back; a standby has waited."""
    monkeypatch.chdir(tmp_path)
    asked = streams.settings(broker.bootstrap, topic.name, tmp_path / "lake")
    load = produced.start(broker.bootstrap, topic.name, tmp_path, "--rate", RATE)
    with streams.running(asked) as first, streams.running(asked, "--standby") as second:
        streams.until(first, " batch ")
        streams.until(second, "standing by")
        signalled(family(first), signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        signalled(family(first)[::-1], signal.SIGCONT)
        streams.until(first, " batch ")
        load.terminate()
        acked = produced.end(load).last["acked"]
        codes = [streams.stop(stream)[0] for stream in (second, first)]
    assert codes == [0, 0]
    assert whole(asked, acked) == []
