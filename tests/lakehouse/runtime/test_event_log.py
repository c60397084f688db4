"""Event logs are written where they are wanted, stay short, and can be looked at afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.runtime import event_log
from lakehouse.settings import load

RUN = """
import sys
from lakehouse.runtime import event_log
from lakehouse.runtime.session import session
from lakehouse.settings import load
event_log.ROLLED_AT = "10m"
settings = load(lake=sys.argv[1], spark_ui_port=0)
spark = session(settings, "compacted")
spark.sparkContext.setLocalProperty("ballast", "x" * 1_000_000)
for _ in range(20):
    spark.sparkContext.parallelize([1], 1).count()
print(event_log.compact(spark, kept=1), flush=True)
spark.stop()
"""


def application(place: Path, name: str, size: int, at: int) -> Path:
    """The folder of an application that was last written to at a time."""
    folder = place / name
    folder.mkdir(parents=True)
    (folder / "events_1").write_bytes(b"x" * size)
    os.utime(folder, (at, at))
    return folder


def test_none_are_written_unless_wanted(tmp_path: Path) -> None:
    """A stream pays nothing for what nobody asked for."""
    assert event_log.options(load(lake=str(tmp_path))) == {}
    assert not event_log.folder(load(lake=str(tmp_path))).exists()


def test_the_oldest_go_first(tmp_path: Path) -> None:
    """What is beyond the bound is deleted, whole applications at a time."""
    for number in range(4):
        application(tmp_path, f"app-{number}", 100, at=1000 + number)
    event_log.trim(tmp_path, 250)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["app-2", "app-3"]


def test_the_newest_stays_however_large(tmp_path: Path) -> None:
    """It may be the one that runs."""
    application(tmp_path, "app", 1000, at=1000)
    event_log.trim(tmp_path, 250)
    assert [one.name for one in tmp_path.iterdir()] == ["app"]


@pytest.mark.spark
@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_log_short(tmp_path: Path) -> None:
    """Jobs that are over leave the closed files of an application's log, while it runs."""
    environment = {**os.environ, "LOGPOND_SPARK_EVENT_LOG_MB": "100"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "SUCCESS"
    names = {f.name for f in event_log.folder(load(lake=str(tmp_path))).glob("*/events_*")}
    assert any(name.endswith(".compact") for name in names)
    assert len(names) == 2
