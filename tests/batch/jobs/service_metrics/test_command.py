"""The command `service-metrics`: flags, dry run, and a run as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events
from support.records import message

from batch.commands.service_metrics import service_metrics
from batch.jobs.folders import RUNS
from lakehouse.errors import SettingsError, TableError

PROGRAM = [sys.executable, "-m", "batch", "service-metrics"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten minutes of a service and a slow one, and a line that is no event."""
    times = [(f"2026-05-01T11:{at:02d}:00Z", 900.0 if at == 10 else 100.0) for at in range(11)]
    good = [message(timestamp=t, response_time=ms, environment="prod") for t, ms in times]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.ndjson").write_bytes(b"\n".join([*good, b"oops"]))
    return tmp_path / "data"


def called(*words: str | Path) -> Result:
    """The command, in this process: never as far as Spark."""
    return CliRunner().invoke(service_metrics, [*map(str, words)])


def words(data: Path, *more: str) -> list[str]:
    """A call with input and output."""
    return ["--input", str(data), "--output", str(data.parent / "out"), *more]


def test_a_dry_run_writes_nothing(data: Path) -> None:
    """It tells what would be read and replaced, and the first line that is no event."""
    found = json.loads(called(*words(data, "--dry-run", "--format", "json")).stdout)
    assert (found["files"], found["lines"], found["rejects_among_them"]) == (1, 12, 1)
    assert "one.ndjson:12: syntax: not JSON" in found["first_reject"]
    assert not (data.parent / "out").exists()


def test_a_dry_run_on_a_lake(lake: Lake, tmp_path: Path) -> None:
    """It counts rows."""
    lake.put(events(range(3)))
    found = called(
        "--source",
        "lake",
        "--lake",
        lake.places.lake,
        "--output",
        tmp_path / "out",
        "--dry-run",
        "--format",
        "json",
    )
    assert json.loads(found.stdout)["lines"] == 3


def test_a_lake_without_logs_is_told(lake: Lake, tmp_path: Path) -> None:
    """Before Spark starts, as a table that is missing."""
    words = ("--source", "lake", "--lake", lake.places.lake, "--output", tmp_path / "out")
    assert isinstance(called(*words).exception, TableError)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--window", "5m"], "too few minutes"),
        (["--window", "soon"], "no length of time"),
        (["--source", "lake"], "--source lake"),
        (["--input", "nowhere"], "nowhere is not there"),
    ],
)
def test_flags_that_do_not_fit(data: Path, more: list[str], said: str) -> None:
    """Are refused in words before Spark starts."""
    found = called(*words(data, *more))
    assert isinstance(found.exception, SettingsError)
    assert said in str(found.exception)


def test_what_is_no_result_is_not_replaced(data: Path) -> None:
    """Refused before Spark starts."""
    (data.parent / "out" / "metrics").mkdir(parents=True)
    assert "no result of this command" in str(called(*words(data)).exception)


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.slow
def test_a_run_from_the_terminal(data: Path) -> None:
    """JSON on stdout; the page, the tables and the performance are there."""
    run = subprocess.run(
        [*PROGRAM, *words(data, "--format", "json")], capture_output=True, text=True, check=False
    )
    found = json.loads(run.stdout)
    assert (run.returncode, run.stderr) == (0, "")
    assert (found["lines"], found["events"], found["rejects"]) == (12, 11, {"syntax": 1})
    assert [(m["service"], m["requests"], m["spikes"]) for m in found["metrics"]] == [
        ("shop", 11, 1)
    ]
    assert (data.parent / "out" / "insights" / "index.html").is_file()
    assert found["performance"]["total"]["cpu_seconds"] > 0


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.faults
def test_a_kill_leaves_the_old(data: Path) -> None:
    """A run that is killed while it writes shows nothing of it."""
    out = data.parent / "out"
    old = out / RUNS / "old"
    (old / "metrics").mkdir(parents=True)
    (out / ".latest").symlink_to(f"{RUNS}/old")
    (out / "metrics").symlink_to(".latest/metrics")
    with subprocess.Popen([*PROGRAM, *words(data)], stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not [*out.glob(f"{RUNS}/2*/minutes")]:
            time.sleep(0.05)
        running.kill()
    assert running.returncode == -9
    assert [part.name for part in out.iterdir() if not part.name.startswith(".")] == ["metrics"]
    assert (out / "metrics").resolve() == (old / "metrics").resolve()
