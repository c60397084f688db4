"""Hostile series in a lake: minutes are closed and judged, nothing fails, nobody is woken."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from support.lakes import Lake
from support.records import decoded, written
from support.windows import at, logged

from anomaly.commands.series import constants
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.incidents import incidents
from lakehouse import settings
from lakehouse.ingest.intake import stamped
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close

CONFIG = constants(None)
LONG = 100
# As JSON text: what is no finite number, or below zero, ends in quarantine.
LATENCIES = {
    "constant": ["40"],
    "zeros": ["0"],
    "not a number": ["NaN", "40"],
    "infinity": ["Infinity", "-Infinity", "1e400", "40"],
    "1e300": ["1e300", "40"],
    "none": ["null"],
    "all of them": ["0", "1", "NaN", "Infinity", "1e300", "-1e300", "5e-324", "null", '"x"'],
}


@pytest.fixture
def empty(lake: Lake) -> Lake:
    """A lake that detection may run on."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    return lake


def times(counts: list[int]) -> list[datetime]:
    """So many events in each minute."""
    return [
        at(minute) + timedelta(seconds=60 * n / count)
        for minute, count in enumerate(counts)
        for n in range(count)
    ]


def sent(when: list[datetime], latencies: list[str]) -> pa.Table:
    """Rows of `logs` of messages with these latencies by lot, as ingest decodes them."""
    lot = np.random.default_rng(1).choice(latencies, len(when))
    payloads = [
        written(timestamp=f'"{at:%Y-%m-%dT%H:%M:%S.%fZ}"', response_time=str(text))
        for at, text in zip(when, lot, strict=True)
    ]
    return stamped(decoded(*payloads).events, LOGS.columns, when[-1], "writer:0")


def detected(lake: Lake, *batches: pa.Table) -> list[Incident]:
    """What is raised of batches of rows, each closed and judged before the next comes."""
    for rows in batches:
        lake.put(rows)
        newest = max(rows["timestamp"].to_pylist())
        for _ in close(lake.places, MINUTES, newest):
            pass
        detection = Detection(lake.places, CONFIG)
        detection()
        detection.addresses()
    return incidents(lake.places)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LATENCIES)
def test_hostile_latencies_raise_nothing(empty: Lake, kind: str) -> None:
    """Whatever is sent as response_time, by lot, minute after minute."""
    assert detected(empty, sent(times([30] * LONG), LATENCIES[kind])) == []


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 7, 400])
def test_a_constant_that_moves_by_one_does_not_scream(empty: Lake, count: int) -> None:
    """The same number of requests every minute, then one more for good."""
    when = times([count] * 80 + [count + 1] * 20)

    assert detected(empty, logged(when, response_time=40.0, _commit="writer:0")) == []


def test_one_point_is_no_incident(empty: Lake) -> None:
    """A lake of a single event; its minute is closed by another, hours later."""
    both = [at(0), at(300)]

    assert detected(empty, logged(both, _commit="writer:0")) == []


@pytest.mark.slow
def test_a_clock_that_goes_back_changes_nothing(empty: Lake) -> None:
    """Rows older than what is closed are late: not judged, however many they are."""
    steady = logged(times([30] * LONG), response_time=40.0, _commit="writer:0")
    back = [at(60 - n / 100) for n in range(3000)]

    assert detected(empty, steady, logged(back, status_code=503, _commit="writer:1")) == []
