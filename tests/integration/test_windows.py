"""Windows over a real log, as ingest brings it, and over what comes long after."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.lakes import LIMITS, Lake
from support.records import TAKEN, message
from support.windows import Pond, differences, read

from lakehouse import store
from lakehouse.decode import decode
from lakehouse.ingest.queries import REPLAY
from lakehouse.proof.verify import verify
from lakehouse.settings import Windows as Settings
from lakehouse.tables.catalog import QUARANTINE
from lakehouse.tables.rollups import WINDOWS
from producer.replay import LogFile
from streaming import windows
from streaming.repair.replay import replay_quarantine

pytestmark = pytest.mark.slow

BATCHES, RUNS = 12, (3, 8, 11)


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_a_real_log_gives_its_truth(lake: Lake, spark: Any, shared_data: Path) -> None:
    """Lines up to 59 s out of order, closed as they come: days and statuses as counted, no less."""
    log = LogFile(shared_data / "web" / "elastic_apache_access.log.gz", "web")
    lines = [value for _, (_, value) in log.records()]
    lake.payload = lambda _name, offset: lines[offset]
    lake.admit()
    windows.prepare_tables(lake.places, Settings(), print)
    failures: list[Exception] = []
    for batch in range(BATCHES):
        lake.batch(batch, {0: len(lines) * (batch + 1) // BATCHES})
        if batch in RUNS:
            windows.windows(spark, lake.places, Settings(), print, failures.append).once()
    verdict = verify(lake.places)

    days = read(lake, granularity="1d")
    of_day = {row["date"].day: 0 for row in days}
    for row in days:
        of_day[row["date"].day] += row["requests"]
    assert of_day == {17: 1632, 18: 2893, 19: 2896, 20: 2578}
    assert sum(row["server_errors"] for row in days) == 3
    assert sum(row["client_errors"] for row in days) >= 213
    assert (failures, verdict.ok, verdict.windows_wrong, verdict.windows_late) == ([], True, 0, 0)
    assert verdict.windows_checked > 160
    assert differences(lake) == []


def test_replayed_quarantine_is_late_then_counted(lake: Lake) -> None:
    """What was refused as of the future, and passes now, belongs to windows long closed."""
    soon = TAKEN + timedelta(minutes=20)
    times = {0: TAKEN, 1: soon, 2: soon, 3: TAKEN - timedelta(hours=1)}
    lake.payload = lambda name, o: message(
        event_id=name, timestamp=times.get(o, TAKEN - timedelta(hours=o)).isoformat()
    )
    lake.admit()
    lake.batch(0, {0: 30})
    pond = Pond(lake)
    pond.close(TAKEN + timedelta(minutes=30))
    assert store.open_table(lake.places, QUARANTINE).count() == 2

    lenient = dataclasses.replace(LIMITS, ahead=timedelta(hours=1))
    done = replay_quarantine(lake.places, REPLAY.writers(lake.places), lenient, decode)
    verdict = verify(lake.places)
    assert (done.passed, verdict.ok, verdict.windows_late, verdict.late_rows) == (2, True, 2, 4)
    assert len(pond.reconcile()) == len(WINDOWS)
    assert (verify(lake.places).windows_late, differences(lake)) == (0, [])
