"""A Spark that is not ours commits while we do: what is lost, and that it is noticed.

In a folder Spark is held where it has looked whether an entry of the log is there, and before it
renames its own to that name: a preloaded `rename` waits there. In a bucket a proxy holds its put.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from support.bucket import Bucket
from support.bucket_proxy import BucketProxy
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.proof.foreign import foreign_commits
from lakehouse.tables.catalog import LOGS

pytestmark = [pytest.mark.spark, pytest.mark.nightly]
SOURCE = Path(__file__).parents[2] / "support" / "held.c"
SECONDS = 120.0


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """The file that holds renames onto entries while it is there; its library is beside it."""
    compiler = shutil.which("cc") or pytest.skip("there is no C compiler here")
    library = ["-shared", "-fPIC", "-O1", "-o", str(tmp_path / "held.so"), str(SOURCE), "-ldl"]
    subprocess.run([compiler, *library], check=True)
    return tmp_path / "held"


@pytest.fixture
def plain_spark(held: Path) -> Iterator[tuple[IO[str], IO[str]]]:
    """Where a plain session takes statements, and where it answers."""
    hold = {"LD_PRELOAD": str(held.with_name("held.so")), "LOGPOND_HELD": str(held)}
    with session_of_others(hold) as session:
        yield session
        held.unlink(missing_ok=True)


@contextmanager
def session_of_others(variables: dict[str, str]) -> Iterator[tuple[IO[str], IO[str]]]:
    """A plain session with more variables; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.plain_spark"],
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as session:
        assert session.stdin
        assert session.stdout
        yield session.stdin, session.stdout
        session.stdin.close()


def reached(held: Path) -> bool:
    """Wait until Spark is about to rename its entry."""
    until = time.monotonic() + SECONDS
    while not held.with_name("held.reached").exists() and time.monotonic() < until:
        time.sleep(0.01)
    return held.with_name("held.reached").exists()


def test_spark_writes_over_a_commit_in_a_folder_and_the_writer_stops(
    lake: Lake, held: Path, plain_spark: tuple[IO[str], IO[str]]
) -> None:
    """Our commit is gone; the next one of the same writer is refused, and the commit named."""
    statements, answers = plain_spark
    writer = store.Writer(lake.places, LOGS)
    for number in range(2):
        writer.append(events([number]), store.Key("ours", number))
    held.touch()
    print(f"OPTIMIZE delta.`{lake.places.table(LOGS)}`", file=statements, flush=True)
    assert reached(held)
    assert writer.append(events([2]), store.Key("ours", 2))
    assert lake.coordinates() == [(0, 0), (0, 1), (0, 2)]
    held.unlink()
    assert answers.readline() == "ok\n"

    assert lake.coordinates() == [(0, 0), (0, 1)]
    with pytest.raises(TableError, match="another engine wrote its own over it"):
        writer.append(events([3]), store.Key("ours", 3))
    assert [one.operation for one in foreign_commits(lake.places)] == ["OPTIMIZE"]


def test_spark_writes_over_a_commit_in_a_bucket_too(bucket: Bucket) -> None:
    """It looks, then puts without a condition: its entry arrives behind ours, in place of it."""
    lake = Lake(Places.at(bucket.url))
    writer = store.Writer(lake.places, LOGS)
    for number in range(2):
        writer.append(events([number]), store.Key("ours", number))
    at = lake.places.table(LOGS).replace("s3://", "s3a://")
    with (
        BucketProxy(bucket.server.endpoint) as proxy,
        session_of_others({"AWS_ENDPOINT_URL": proxy.endpoint}) as (statements, answers),
    ):
        with proxy.trouble("held", "PUT", "_delta_log/00000000000000000003.json"):
            print(f"OPTIMIZE delta.`{at}`", file=statements, flush=True)
            assert proxy.until_seen(SECONDS)
            assert writer.append(events([2]), store.Key("ours", 2))
            assert lake.coordinates() == [(0, 0), (0, 1), (0, 2)]
        assert answers.readline() == "ok\n"

    assert lake.coordinates() == [(0, 0), (0, 1)]
    with pytest.raises(TableError, match="another engine wrote its own over it"):
        writer.append(events([3]), store.Key("ours", 3))
    assert [one.operation for one in foreign_commits(lake.places)] == ["OPTIMIZE"]
