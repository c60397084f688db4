"""The jobs on a Spark cluster whose hosts share no folder: the same tables, the same promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from support.containers import PORTS, Stack, missing, until

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(1800)]
WORKERS = ("spark-worker-1", "spark-worker-2", "spark-worker-3")
FILES = ("docker-compose.cluster.yml", "tests/compose/short-cluster.yml")
# A backlog that takes a batch seconds.
BACKLOG = ("--backfill", "20m", "--rate", "100", "--duration", "1")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    """A bucket, a master, three workers, and the job of streaming submitted to them."""
    if why := missing():
        pytest.skip(why)
    with Stack(*FILES) as running:
        running("build", "streaming", "s3", timeout=1200)
        running("up", "--detach", "--wait", "producer", "streaming", timeout=900)
        yield running


def master() -> dict[str, Any]:
    """What the master knows of workers and applications."""
    return asked(f"http://127.0.0.1:{PORTS['SPARK_MASTER_PORT']}/json/")


def asked(url: str) -> Any:
    """What an address answers as JSON."""
    with urlopen(url, timeout=30) as answer:
        return json.load(answer)


def hosts(cluster: Stack) -> dict[str, str]:
    """Which worker has an address, for each of its addresses."""
    found = {name: cluster("exec", "-T", name, "hostname", "-i").split() for name in WORKERS}
    return {address: name for name, addresses in found.items() for address in addresses}


def busy() -> set[str]:
    """The addresses of executors that have a task of the job of streaming now."""
    at = f"http://127.0.0.1:{PORTS['STREAMING_UI_PORT']}/api/v1/applications"
    (job,) = asked(at)
    executors = asked(f"{at}/{job['id']}/executors")
    return {one["hostPort"].split(":")[0] for one in executors if one["activeTasks"]}


def in_the_middle_of_a_batch(cluster: Stack) -> str:
    """A worker that is at work now, with more before it than a moment takes."""
    workers, found = hosts(cluster), list[str]()

    def is_busy() -> bool:
        found.extend(workers[address] for address in busy() if address in workers)
        return bool(found)

    cluster("run", "--rm", "-T", "producer", *BACKLOG)
    until(is_busy)
    return found[0]


def at_bucket(code: str) -> tuple[str, str, str]:
    """What has a container run Python on the bucket's store `lake`, with the keys that it has."""
    told = (
        "AWS_ENDPOINT_URL=http://s3:8333 AWS_ALLOW_HTTP=true AWS_REGION=us-east-1 "
        "AWS_ACCESS_KEY_ID=$(cat /secrets/bucket/access-key) "
        "AWS_SECRET_ACCESS_KEY=$(cat /secrets/bucket/secret-key)"
    )
    before = "import obstore; from obstore.store import from_url; lake = from_url('s3://logs/lake')"
    return "sh", "-c", f'{told} python -c "{before}; {code}"'


def verified(cluster: Stack) -> str:
    """What `verify` says once more rows came: executors write them, the driver commits them."""
    before = cluster.count()
    until(lambda: cluster.count() > before)
    return cluster.logpond("verify")


def test_the_job_runs_on_the_workers(cluster: Stack) -> None:
    """The master knows one application and three workers, of which two lend a core to it."""
    known = master()
    assert [one["name"] for one in known["activeapps"]] == ["streaming"]
    assert sorted(one["coresused"] for one in known["workers"]) == [0, 1, 1]
    assert "ok:" in verified(cluster)


def test_nothing_of_the_lake_is_on_a_host(cluster: Stack) -> None:
    """Workers have no volume but the secret; the driver's has logs, and no file of a table."""
    for name in WORKERS:
        mounted = cluster("exec", "-T", name, "sh", "-c", "cut -d' ' -f2 /proc/mounts")
        assert {"/data/lake", "/data/checkpoints", "/work"}.isdisjoint(mounted.split())
    driver = cluster("exec", "-T", "streaming", "cat", "/proc/mounts")
    assert {f"tmpfs /data/{name} tmpfs" in driver for name in ("lake", "checkpoints")} == {True}
    found = cluster("exec", "-T", "streaming", "find", "/work", "-type", "f")
    assert not [file for file in found.split() if file.endswith((".parquet", ".json"))]
    assert cluster.rows("SELECT COUNT(*) AS n FROM logs")[0]["n"] > 0


def test_the_page_reads_the_bucket_and_cannot_write_it(cluster: Stack) -> None:
    """Its keys are refused a put; those of a driver are not."""
    put = at_bucket("obstore.put(lake, '_scratch/put', b'')")
    cluster("exec", "-T", "streaming", *put)
    cluster("exec", "-T", "streaming", *at_bucket("obstore.delete(lake, '_scratch/put')"))
    cluster("up", "--detach", "--wait", "web")
    refused = cluster.tried("exec", "-T", "web", *put)
    assert (refused.returncode, "AccessDenied" in refused.stderr) == (1, True)
    assert urlopen(f"http://127.0.0.1:{PORTS['WEB_PORT']}/readyz", timeout=60).status == 200


def test_no_secret_is_in_a_command(cluster: Stack) -> None:
    """Not that of the cluster, nor a key of the bucket: of no daemon, driver or executor."""
    files = ("spark/secret", "bucket/access-key", "bucket/secret-key")
    secrets = [cluster("exec", "-T", "streaming", "cat", f"/secrets/{file}") for file in files]
    for name in ("spark-master", *WORKERS, "streaming", "s3"):
        commands = cluster("exec", "-T", name, "sh", "-c", "cat /proc/[0-9]*/cmdline")
        assert "org.apache.spark" in commands or name == "s3"
        assert not [one for one in secrets if one in commands]


def test_who_does_not_know_the_secret_gets_no_job(cluster: Stack) -> None:
    """A program beside, which can reach the master and has no secret, ends without an answer."""
    apart = ("-e", "LOGPOND_SPARK_SECRET_FILE=", "--entrypoint", "timeout")
    asks = ("60", "logpond", "sql", "SELECT COUNT(*) FROM logs", "--engine", "spark")
    done = cluster.tried("run", "--rm", "-T", *apart, "analytics", *asks)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert [one["name"] for one in master()["activeapps"]] == ["streaming"]


def test_a_question_runs_there(cluster: Stack) -> None:
    """Spark's executors count the same rows of a version as DuckDB does here."""
    count = ("SELECT COUNT(*) AS n FROM logs", "--version", "3")
    by_spark = cluster.rows(*count, "--engine", "spark")
    assert by_spark == cluster.rows(*count)
    assert master()["completedapps"]


def test_jobs_over_files_run_there(cluster: Stack) -> None:
    """Files and results of this machine pass by way of the bucket, where nothing of them stays."""
    here = ("--output", "results/metrics", "--format", "json")
    metrics = json.loads(cluster.logpond("service-metrics", "--source", "lake", *here))
    assert metrics["lines"] == metrics["events"] > 0
    small = ("--files", "2", "--size", "200kB", "--format", "json")
    assert json.loads(cluster.logpond("watch-time", *small))["files"]
    assert {"service-metrics", "watch-time"} <= {one["name"] for one in master()["completedapps"]}
    # this store lists a folder that became empty, as an object of no bytes
    scratch = "[one for page in obstore.list(lake, '_scratch') for one in page]"
    left = at_bucket(f"print(sum(one['size'] > 0 for one in {scratch}))")
    assert cluster("exec", "-T", "streaming", *left).strip() == "0"


def test_detection_runs_there_beside_it(cluster: Stack) -> None:
    """Two applications share three workers."""
    cluster("up", "--detach", "--wait", "anomaly", timeout=900)
    assert {one["name"] for one in master()["activeapps"]} == {"streaming", "anomaly"}
    assert "ok:" in verified(cluster)


def test_a_worker_may_die_in_the_middle_of_a_batch(cluster: Stack) -> None:
    """SIGKILL of one that has a task: another takes it, and `verify` is clean."""
    worker = in_the_middle_of_a_batch(cluster)
    cluster("kill", "--signal", "KILL", worker)
    assert "ok:" in verified(cluster)
    cluster("start", worker)


def test_the_driver_may_die_in_the_middle_of_a_batch(cluster: Stack) -> None:
    """SIGKILL; the next one takes the lease once it has run out, and goes on from the bucket."""
    in_the_middle_of_a_batch(cluster)
    cluster("kill", "--signal", "KILL", "streaming")
    cluster("up", "--detach", "--wait", "streaming", timeout=900)
    assert "ok:" in verified(cluster)


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_bucket_may_go_away_in_the_middle_of_a_batch(cluster: Stack, how: str) -> None:
    """An orderly restart, or SIGKILL and a start: rows go on coming, and `verify` is clean."""
    in_the_middle_of_a_batch(cluster)
    cluster(how, "s3")
    cluster("up", "--detach", "--wait", "s3", "streaming", timeout=900)
    assert "ok:" in verified(cluster)
