"""`--standby`: a second stream or detection waits, and says for whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse import settings
from lakehouse.ingest.queries import INGEST, MINUTES, UPKEEP, Query
from lakehouse.paths import Places

COMMANDS = [(INGEST, "streaming", "stream"), (MINUTES, "anomaly", "detect")]


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize(("query", "room", "command"), COMMANDS)
def test_a_standby_waits_until_it_is_stopped(
    tmp_path: Path, query: Query, room: str, command: str
) -> None:
    """It names the process that it waits for; a stop is no failure."""
    words = [sys.executable, "-m", room, command, "--standby", "--lake", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(settings.CONF.parent)}
    with query.alone(Places.at(str(tmp_path))):
        waiting = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
        )
        assert waiting.stdout
        heard = next(line for line in waiting.stdout if "standing by" in line)
        waiting.send_signal(signal.SIGTERM)
        rest, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, f"process {os.getpid()}" in heard) == (0, True), rest


@pytest.mark.slow
@pytest.mark.parametrize(("query", "room", "command"), [*COMMANDS, (UPKEEP, "streaming", "upkeep")])
def test_a_second_one_is_refused_and_told_who(
    tmp_path: Path, query: Query, room: str, command: str
) -> None:
    """By a sentence, and the code of a start that would mix data."""
    words = [sys.executable, "-m", room, command, "--lake", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(settings.CONF.parent)}
    with query.alone(Places.at(str(tmp_path))):
        done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)
    assert (done.returncode, f"process {os.getpid()} on" in done.stderr) == (3, True), done.stderr
