"""A crash at each point of closing windows leaves none out, none twice, none wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.lakes import TAKEN, Lake, events

from lakehouse import store
from lakehouse.duck import connect, create_view
from lakehouse.proof.verify import verify
from lakehouse.settings import CONF
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import HALF_HOUR
from lakehouse.windows.horizon import horizon

pytestmark = [pytest.mark.faults, pytest.mark.spark]

CHILD = Path(__file__).parents[1] / "support" / "windows_child.py"
FIRST = datetime(2026, 4, 29, 22, 10, tzinfo=UTC)
STEPS = ("final", "traffic", "usage", None)
DIFFERENT = """
SELECT * FROM (SELECT time_bucket(INTERVAL {size}, timestamp) AS window_start, service, endpoint,
        count(*) AS requests, count(DISTINCT ip) AS unique_visitors FROM logs
    WHERE timestamp < TIMESTAMPTZ '{end}' GROUP BY ALL) AS recount
FULL JOIN (SELECT * FROM traffic WHERE granularity = '{name}') AS closed
    USING (window_start, service, endpoint)
WHERE recount.requests IS DISTINCT FROM closed.requests
    OR recount.unique_visitors IS DISTINCT FROM closed.unique_visitors
"""


def close(lake: Lake, die_at: str | None) -> None:
    """Close windows in a process of its own, which dies where it is told to."""
    order = json.dumps({"die_at": die_at, "lake": lake.places.lake})
    env = {**os.environ, "PYTHONPATH": str(CONF.parent)}
    ended = subprocess.run(
        [sys.executable, str(CHILD), order],
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == (-signal.SIGKILL if die_at else 0), ended.stderr


def different(lake: Lake, name: str, size: str, end: str) -> list[object]:
    """Windows of `traffic` that another count of `logs` says otherwise of."""
    with connect() as connection:
        for table in (LOGS.name, "traffic"):
            at = store.open_table(lake.places, table)
            create_view(connection, table, lake.places.table(table), at)
        return connection.sql(DIFFERENT.format(name=name, size=size, end=end)).fetchall()


@pytest.mark.timeout(900)
def test_windows_survive_a_crash_at_each_point(lake: Lake) -> None:
    """Killed before, between and after their commits, on two days: in the end all are right."""
    lake.admit()
    lake.batch(0, {0: 2}, bad={1})
    for step in range(20):
        at = FIRST + timedelta(minutes=25 * step)
        ips = [f"192.0.2.{n}" for n in range(step % 5 + 1)]
        for ip in ips:
            lake.put(events(range(3), timestamp=at.isoformat(), ip=ip, user=f"u{step % 3}"))
    for step in STEPS:
        close(lake, step)

    assert different(lake, "30m", "30 minutes", "2026-05-01 11:30+00") == []
    assert different(lake, "1d", "1 day", "2026-05-01 00:00+00") == []
    verdict = verify(lake.places)
    assert (verdict.windows_wrong, verdict.windows_late, verdict.misplaced) == (0, 0, 0)
    tables = [store.open_table(lake.places, name) for name in ("traffic", "usage")]
    assert {horizon(table) for table in tables} == {TAKEN - HALF_HOUR}
