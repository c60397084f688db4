"""`logpond spark-ui` shows runs that are over, and says how to get some where there are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from lakehouse.runtime.processes import end, free_port, spawn

RUN = """
import sys
from lakehouse.runtime.session import session
from lakehouse.settings import load
spark = session(load(lake=sys.argv[1], spark_ui_port=0), "a-run-that-is-over")
spark.range(9).count()
spark.stop()
"""


def asked(port: int) -> list[str]:
    """The names of the applications that the server shows; none before it answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/applications") as answer:
            return [one["name"] for one in json.load(answer)]
    except (URLError, ConnectionError):
        return []


def test_without_event_logs_it_says_how_to_get_some(tmp_path: Path) -> None:
    """A start that can show nothing ends in words."""
    words = [sys.executable, "-m", "cli", "spark-ui", "--lake", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "LOGPOND_SPARK_EVENT_LOG_MB" in done.stderr


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.slow
def test_a_run_that_is_over_is_shown(tmp_path: Path) -> None:
    """Spark's history server knows the application by its name."""
    environment = {**os.environ, "LOGPOND_SPARK_EVENT_LOG_MB": "10"}
    subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], env=environment, check=True)
    port = free_port()
    words = [sys.executable, "-m", "cli", "spark-ui", "--lake", str(tmp_path), "--port", str(port)]
    server = spawn(words, subprocess.DEVNULL, subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (shown := asked(port)) and time.monotonic() < until and server.poll() is None:
        time.sleep(1)
    end(server)
    assert shown == ["a-run-that-is-over"]
