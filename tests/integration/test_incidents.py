"""Each of the producer's incidents is found, whatever the seed; hours without one are quiet."""

from __future__ import annotations

from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path

import pytest
from support import streams
from support.messages import send
from support.streams import Once

from anomaly.commands.series import constants
from anomaly.evaluate.labels import graded, totals
from anomaly.lake.incidents import incidents_of
from anomaly.lake.job import Detect
from benchmarks.staged import Played, Show, labels, played
from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings
from lakehouse.tables.catalog import ANOMALIES
from producer.traffic.scenarios import INCIDENTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ALL = tuple((name, 60 + 25 * place, 5) for place, name in enumerate(INCIDENTS))
WITHIN = {"latency-ramp": 240}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Three and a half hours of traffic in which each incident happens once."""
    folder = tmp_path_factory.mktemp("staged")
    places = Places(str(folder), f"{folder}/_checkpoints")
    return played(Show(1, 30.0, 60 + 25 * len(ALL), ALL), places, constants(None))


@pytest.mark.parametrize("kind", INCIDENTS)
def test_an_incident_is_found_soon(staged: Played, kind: str) -> None:
    """By what it is, at its key; three minutes in at most, four for what grows slowly."""
    (row,) = (row for row in graded(staged.labels, staged.incidents) if row["kind"] == kind)

    assert row["found"], row
    assert row["after_seconds"] <= WITHIN.get(kind, 180)


def test_nothing_else_is_raised(staged: Played) -> None:
    """No incident of any measure that is not trouble, or right behind it."""
    assert totals(staged.labels, staged.incidents)["false"] == 0


@pytest.mark.nightly
def test_quiet_hours_raise_nothing(tmp_path: Path) -> None:
    """Two hours, with what is late, malformed and twice as ever."""
    places = Places(str(tmp_path), f"{tmp_path}/_checkpoints")

    assert played(Show(2, 60.0, 120), places, constants(None)).incidents == []


@pytest.mark.broker
@pytest.mark.spark
def test_a_burst_is_found_live(broker: Broker, topic: Topic, tmp_path: Path, once: Once) -> None:
    """From Kafka through Spark's ingest and Spark's minutes: the program says which and where."""
    show = Show(3, 20.0, 70, (("error-burst", 60, 5),))
    pace, asked = show.pace(), streams.settings(broker.bootstrap, topic.name, tmp_path)
    send(broker.bootstrap, topic.name, values(pace.up_to(show.end(70))))
    once(asked)
    process = get_context("spawn").Process(target=detect_once, args=(asked,))
    process.start()
    process.join(300)

    rows = store.open_table(Places.of(asked), ANOMALIES).to_pyarrow_table()
    (row,) = graded(labels(pace), incidents_of(rows))
    assert (process.exitcode, row["found"], row["after_seconds"] <= 180) == (0, True, True)


def values(records: Iterable[tuple[bytes, bytes | None]]) -> Iterable[bytes | None]:
    """What is sent."""
    return (value for _, value in records)


def detect_once(asked: Settings) -> None:
    """`logpond detect --once`, in a process of its own: its JVM is not that of the tests."""
    Detect(asked, Places.of(asked), constants(None), print)(once=True)
