"""A stream under load in a bucket that fails: it goes on, or stops in words; nothing is lost."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import produced, streams
from support.bucket import ObjectServer, object_server
from support.bucket_proxy import BucketProxy
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
    pytest.mark.timeout(1200),
]
TROUBLES = ("503", "done 500", "lost", "late", "cut")
# Of a batch: its offsets, its rows, its plan, its commits; of Spark: what it notes, and its state.
OBJECTS = ("ingest/offsets", "logs/date", "plans/", "logs/_delta_log", "ingest/commits", "windows/")
NOISE = re.compile(r"Traceback|panicked|^\s+at |Debug source", re.MULTILINE)
ALWAYS = 10_000


@pytest.fixture
def asked(
    proxy: BucketProxy,
    broker: Broker,
    topic: Topic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """The settings of a lake in a bucket behind a proxy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGPOND_STORAGE_TIMEOUT_SECONDS", "3")
    lake = f"s3://lake/{topic.name}"
    return streams.settings(broker.bootstrap, topic.name, lake)  # type: ignore[arg-type]


@pytest.fixture
def load(broker: Broker, topic: Topic, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A producer."""
    running = produced.start(broker.bootstrap, topic.name, tmp_path / "load", "--rate", "200")
    yield running
    running.kill()
    running.communicate()


def whole(asked: Settings, load: subprocess.Popen[str]) -> list[str]:
    """Ends the load, takes what is left, closes windows; what is wrong with the lake then."""
    load.terminate()
    acked = produced.end(load).last["acked"]
    with streams.running(asked, "--once") as rest:
        heard, _ = rest.communicate(timeout=300)
    assert rest.returncode == 0, heard
    verdict = verify(Places.of(asked))
    faults = broken(asked.kafka.bootstrap, Places.of(asked), asked.kafka.topic)
    is_whole = verdict.ok and verdict.records == acked
    return faults if is_whole else [*faults, str(verdict)]


def test_moments_of_trouble(
    asked: Settings, proxy: BucketProxy, load: subprocess.Popen[str]
) -> None:
    """Each kind at each object of a batch, twice: the stream goes on."""
    with streams.running(asked, "--trigger", "0.5") as stream:
        streams.until(stream, " batch ")
        for path in OBJECTS:
            for what in TROUBLES:
                with proxy.trouble(what, "PUT", path, 2):
                    streams.until(stream, " batch ")
                    streams.until(stream, " batch ")
        code, said = streams.stop(stream)
    assert (code, NOISE.findall(said)) == (0, []), said
    assert whole(asked, load) == []


@pytest.mark.parametrize("path", OBJECTS[:-1])
@pytest.mark.parametrize("what", ["507", "cut"])
def test_trouble_that_stays(
    asked: Settings, proxy: BucketProxy, load: subprocess.Popen[str], what: str, path: str
) -> None:
    """The stream stops in words, with the exit code of a bucket."""
    with streams.running(asked, "--trigger", "0.5") as stream:
        streams.until(stream, " batch ")
        with proxy.trouble(what, "PUT", path, ALWAYS):
            said, _ = stream.communicate(timeout=400)
    assert (stream.returncode, NOISE.findall(said)) == (8, []), said
    assert ("is full at http" if what == "507" else "no answer from http") in said
    assert whole(asked, load) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectServer]:
    """An object store that may be killed."""
    with object_server(tmp_path / "store") as running:
        yield running


@pytest.mark.parametrize("seconds", [3, 120])
def test_a_store_that_is_killed_and_comes_back(
    store: ObjectServer,
    broker: Broker,
    topic: Topic,
    load: subprocess.Popen[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
) -> None:
    """After a short while the stream goes on, after a long one it stopped in words."""
    monkeypatch.chdir(tmp_path)
    for name, value in store.variables().items():
        monkeypatch.setenv(name, value)
    asked = streams.settings(broker.bootstrap, topic.name, "s3://lake/x")  # type: ignore[arg-type]
    with streams.running(asked, "--trigger", "0.5") as stream:
        streams.until(stream, " batch ")
        store.kill()
        time.sleep(seconds)
        store.start()
        if seconds < 60:
            streams.until(stream, " batch ")
            code, said = streams.stop(stream)
        else:
            said, code = stream.communicate(timeout=400)[0], stream.returncode
    assert (code in ((0,) if seconds < 60 else (6, 8)), NOISE.findall(said)) == (True, []), said
    assert whole(asked, load) == []
