"""The jobs on a Spark cluster of their own: the same tables, the same promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from containers import PORTS, Stack, missing, until

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    """A master, two workers, and the jobs of streaming and anomaly submitted to them."""
    if why := missing():
        pytest.skip(why)
    with Stack(profile="cluster", SPARK_MASTER="spark://spark-master:7077") as running:
        running("build", "streaming", timeout=800)
        running("up", "--detach", "--wait", timeout=900)
        yield running


def test_both_jobs_run_on_both_workers(cluster: Stack) -> None:
    """The master knows two applications, and two workers that lend cores."""
    with urlopen(f"http://127.0.0.1:{PORTS['SPARK_MASTER_PORT']}/json/", timeout=30) as answer:
        master = json.load(answer)
    assert {one["name"] for one in master["activeapps"]} == {"streaming", "anomaly"}
    assert [one["coresused"] > 0 for one in master["workers"]] == [True, True]


def test_rows_come_and_the_promise_holds(cluster: Stack) -> None:
    """What executors elsewhere wrote is what the driver committed."""
    before = cluster.count()
    until(lambda: cluster.count() > before)
    assert "ok:" in cluster.logpond("verify")


def test_a_worker_may_die(cluster: Stack) -> None:
    """SIGKILL of one of two: the other takes its tasks, and `verify` is clean."""
    cluster("kill", "--signal", "KILL", "spark-worker-1")
    before = cluster.count()
    until(lambda: cluster.count() > before)
    assert "ok:" in cluster.logpond("verify")
