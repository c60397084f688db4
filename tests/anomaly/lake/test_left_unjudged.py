"""What an import or `retain` leaves: history that is judged later, or stays as it is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.lakes import Lake
from support.trouble import CONFIG, USUAL, Doing, put
from support.windows import at, logged

from anomaly.lake.history import History
from anomaly.lake.incidents import incidents
from lakehouse import maintenance, settings
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows import recounted, unjudged

pytestmark = pytest.mark.slow

MIDNIGHT = 1440
# Dies where its rows are in, and are about to be judged.
DYING = """
import os, signal, sys
from lakehouse.windows import judging
judging.judge = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from lakehouse.terminal.commands import start
start("batch")
"""


def called(lake: Lake, *words: str) -> subprocess.CompletedProcess[str]:
    """A command, as a process of its own."""
    command = [sys.executable, *words, "--lake", lake.places.lake]
    return subprocess.run(command, text=True, capture_output=True, timeout=200, check=False)


def written(file: Path) -> Path:
    """Two hours of requests, of which ten minutes are four times as many."""
    lines = [
        json.dumps(
            {
                "timestamp": f"{at(minute + n / 60):%Y-%m-%dT%H:%M:%SZ}",
                "service": "shop",
                "endpoint": "/cart",
                "status_code": 200,
                "ip": f"192.0.2.{n % 9}",
                "response_time": 20.5,
            }
        )
        for minute in range(120)
        for n in range(60 if not 100 <= minute < 110 else 240)
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


def test_an_import_that_dies_before_it_is_judged_is_judged_later(
    lake: Lake, tmp_path: Path
) -> None:
    """It is told meanwhile; the next import judges it, though it brings nothing."""
    file = str(written(tmp_path / "requests.ndjson"))
    died = called(lake, "-c", DYING, "import", file)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "is not judged yet" in called(lake, "-m", "anomaly", "anomalies").stderr

    again = called(lake, "-m", "batch", "import", file)
    assert again.returncode == 0, again.stderr
    assert "judged up to" in again.stderr
    assert {one.key for one in incidents(lake.places)} >= {"shop /cart"}
    assert unjudged.noted(lake.places) == []
    assert "judged" not in called(lake, "-m", "batch", "import", file).stderr


def test_an_import_that_is_not_to_be_judged_is_told(lake: Lake, tmp_path: Path) -> None:
    """Until `analyze` judged it."""
    file = str(written(tmp_path / "requests.ndjson"))
    assert called(lake, "-m", "batch", "import", file, "--no-judge").returncode == 0
    assert len(unjudged.noted(lake.places)) == 1
    assert called(lake, "-m", "anomaly", "analyze", "--compare").returncode == 0
    assert len(unjudged.noted(lake.places)) == 1
    assert called(lake, "-m", "anomaly", "analyze").returncode == 0
    assert unjudged.noted(lake.places) == []
    assert "judged yet" not in called(lake, "-m", "anomaly", "anomalies").stderr


def judge(lake: Lake) -> None:
    """What `analyze` does."""
    history = History(lake.places, settings.load(lake=lake.places.lake).anomaly, CONFIG)
    history.close()
    history.judge()


def just_after_midnight(minute: int, endpoint: str) -> Doing:
    """Four times the requests of the cart, for ten minutes."""
    is_spike = endpoint == "/cart" and MIDNIGHT + 6 <= minute < MIDNIGHT + 16
    return Doing(times=4) if is_spike else USUAL


def test_what_opened_right_after_the_cut_is_not_withdrawn(lake: Lake) -> None:
    """Its history is gone, so a fold of what is left cannot tell; late rows come for it."""
    put(lake, just_after_midnight, 150, first=MIDNIGHT - 100)
    lake.put(logged([at(2 * MIDNIGHT + n) for n in range(5)], _commit="later:0"), "later")
    judge(lake)
    before = incidents(lake.places)
    assert {one.key for one in before if one.opened >= at(MIDNIGHT)} >= {"shop /cart"}

    for table in (LOGS, MINUTES):
        assert maintenance.retain(lake.places, table.name, 1).gone
    lake.put(logged([at(MIDNIGHT + 2)], _commit="late:0"), "late")
    judge(lake)
    after = incidents(lake.places)
    assert recounted.since(lake.places) is None
    assert sorted(map(repr, after)) == sorted(map(repr, before))
