"""How far ingest is behind, as the pages see it."""

from __future__ import annotations

import subprocess
import sys

from support.lakes import Lake
from support.pages import minutes, pages
from support.windows import Pond, logged

from analytics.web.lake.monitor import LagMonitor
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store.lock import alone

NOWHERE = Connection("127.0.0.1:1")


def test_nobody_knows_the_lag_where_kafka_is_down(lake: Lake) -> None:
    """It is unknown, not none; and ingest is seen not to run."""
    lake.admit()
    with alone(lake.places.ledger("ingest"), "ingest"):
        pass
    sample = LagMonitor(lake.places, NOWHERE).sample()
    assert (sample.waiting, sample.is_running) == (None, False)


def test_a_running_ingest_is_seen(lake: Lake) -> None:
    """By its lock, without asking it."""
    lake.admit()
    with alone(lake.places.ledger("ingest"), "ingest"):
        assert LagMonitor(lake.places, NOWHERE).sample().is_running


def test_home_does_not_wait_for_kafka(lake: Lake) -> None:
    """The lag is looked at in the background; until then it is unknown."""
    Pond(lake).arrive(logged(minutes(3)))
    home = pages(lake, connection=NOWHERE).get("/api/home").json()
    lag = next(figure for figure in home["figures"] if figure["name"] == "lag")
    assert (lag["value"], lag["state"]) == (None, "unknown")


def test_the_pages_know_no_jvm() -> None:
    """What serves them never imports Spark."""
    code = "import sys, analytics.web.serve; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
