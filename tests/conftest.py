"""What the tests of all rooms share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from support.bucket import Bucket, ObjectServer, object_server
from support.lakes import Lake
from support.marked_files import is_left_out
from support.streams import Once, one_after_another

from cli.stack.broker import Broker
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# `--hypothesis-profile`: how often a property is tried.
# A busy machine is no fault of a strategy.
PROFILE = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("each time", max_examples=50, **PROFILE)
hypothesis.settings.load_profile("each time")
hypothesis.settings.register_profile("fast", max_examples=10, **PROFILE)
hypothesis.settings.register_profile("nightly", max_examples=1000, **PROFILE)
# Processes that a test starts, and workers of Spark, find our rooms and `support` too.
TESTS = Path(__file__).resolve().parent
OURS = (str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", ""))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, OURS))
# Short runs: the second compiler of a JVM costs more than it gives back.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Not even read is a file of which `-m` leaves nothing; None lets others decide."""
    chosen = config.getoption("-m")
    is_a_file = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    return True if is_a_file and is_left_out(collection_path, chosen) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that takes Spark or a broker is marked so by itself, and one that draws examples."""
    for item in items:
        for fixture in {"spark", "broker"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(fixture)
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("random")
    _put_long_files_first(items)


def _put_long_files_first(items: list[pytest.Item]) -> None:
    """Two processes take file after file: those that come last have to be short to end together."""
    long = {item.path for item in items if _is_long(item)}
    items.sort(key=lambda item: item.path not in long)


def _is_long(item: pytest.Item) -> bool:
    return any(mark.name in ("faults", "spark", "browser") for mark in item.iter_markers())


@pytest.fixture(autouse=True)
def _impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no test has started a broker, none is waited for."""
    if not request.node.get_closest_marker("broker"):
        asked = kafka.cluster_id
        monkeypatch.setattr(kafka, "cluster_id", lambda where, _=0.0: asked(where, 0.1))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data, which lies beside the project and never in it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One embedded broker for all tests, on a free port; a test that kills one starts its own.

    So does one that makes a topic which each lake reads without being told.
    """
    with Broker(str(tmp_path_factory.mktemp("broker"))) as running:
        yield running
        assert not {"app-logs", "gateway-logs"} & {*kafka.names(running.connection)}


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One object store for all tests, on free ports; a test that kills one starts its own."""
    with object_server(tmp_path_factory.mktemp("bucket")) as server:
        yield server


@pytest.fixture
def bucket(bucket_server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A place in a bucket which only this test knows, empty; the environment leads to it."""
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    return Bucket(bucket_server, f"s3://lake/test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def topic(broker: Broker) -> Topic:
    """A new topic of two partitions, which only this test knows."""
    return kafka.create(broker.connection, f"test-{uuid.uuid4().hex[:12]}", partitions=2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake which only this test knows, empty."""
    return Lake.at(tmp_path)


@pytest.fixture
def running(lake: Lake) -> Lake:
    """A lake with two completed batches, some of their records in quarantine."""
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    lake.batch(1, {0: 9}, bad={6})
    return lake


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One Spark application for all tests that take it; its log is in its own folder."""
    from lakehouse import settings
    from lakehouse.runtime.session import session

    where = str(tmp_path_factory.mktemp("spark"))
    running = session(settings.load(lake=where, spark_ui_port=0), "tests")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def once() -> Iterator[Once]:
    """Ingests what is there and ends, as `--once` does, in a process beside the tests."""
    with one_after_another() as run:
        yield run
