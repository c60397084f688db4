"""The jobs on a Spark cluster of their own: the same tables, the same promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from support.containers import PORTS, Stack, missing, until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]
WITHOUT_ANOMALY = ("producer", "streaming", "spark-worker-1", "spark-worker-2")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    """A master, two workers, and the job of streaming submitted to them."""
    if why := missing():
        pytest.skip(why)
    with Stack(profile="cluster", SPARK_MASTER="spark://spark-master:7077") as running:
        running("build", "streaming", timeout=800)
        running("up", "--detach", "--wait", *WITHOUT_ANOMALY, timeout=900)
        yield running


def master() -> dict[str, Any]:
    """What the master knows of workers and applications."""
    with urlopen(f"http://127.0.0.1:{PORTS['SPARK_MASTER_PORT']}/json/", timeout=30) as answer:
        known: dict[str, Any] = json.load(answer)
    return known


def verified(cluster: Stack) -> str:
    """What `verify` says once more rows came: executors write them, the driver commits them."""
    before = cluster.count()
    until(lambda: cluster.count() > before)
    return cluster.logpond("verify")


def test_the_job_runs_on_both_workers(cluster: Stack) -> None:
    """The master knows the application and two workers that lend cores; its rows are all there."""
    known = master()
    assert [one["name"] for one in known["activeapps"]] == ["streaming"]
    assert [one["coresused"] for one in known["workers"]] == [1, 1]
    assert "ok:" in verified(cluster)


def test_the_secret_is_in_no_command(cluster: Stack) -> None:
    """Not of the master, the workers, the driver, nor of the executors that they start."""
    secret = cluster("exec", "-T", "spark-master", "cat", "/secrets/spark/secret")
    for name in ("spark-master", "spark-worker-1", "streaming"):
        commands = cluster("exec", "-T", name, "sh", "-c", "cat /proc/[0-9]*/cmdline")
        assert "org.apache.spark" in commands
        assert secret not in commands


def test_who_does_not_know_the_secret_gets_no_job(cluster: Stack) -> None:
    """A program beside, which can reach the master and has no secret, ends without an answer."""
    apart = ("-e", "LOGPOND_SPARK_MASTER=spark://spark-master:7077", "--entrypoint", "timeout")
    asked = ("60", "logpond", "sql", "SELECT COUNT(*) FROM logs", "--engine", "spark")
    done = cluster.tried("run", "--rm", "-T", *apart, "analytics", *asked)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert [one["name"] for one in master()["activeapps"]] == ["streaming"]


@pytest.mark.slow
def test_detection_runs_there_beside_it(cluster: Stack) -> None:
    """Two applications share two workers."""
    cluster("up", "--detach", "--wait", "anomaly", timeout=900)
    assert {one["name"] for one in master()["activeapps"]} == {"streaming", "anomaly"}
    assert "ok:" in verified(cluster)


def test_a_worker_may_die(cluster: Stack) -> None:
    """SIGKILL of one of two: the other takes its tasks, and `verify` is clean."""
    cluster("kill", "--signal", "KILL", "spark-worker-1")
    assert "ok:" in verified(cluster)
