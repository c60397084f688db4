"""Other engines read the lake as docs/read-from.md says: each of its blocks is run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.bucket import Bucket
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.paths import Places, is_url
from lakehouse.query.about.detail import features
from lakehouse.runtime import environment, jars
from lakehouse.tables.catalog import LOGS, TABLES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "read-from.md").read_text()
WITHOUT_SPARK = ("pandas", "polars", "DuckDB", "deltalake: versions and times")
AT_ITS_END = "terminate called without an active exception"


def block(section: str, language: str = "python") -> str:
    """The code of a section."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


def printed(script: str, lake: str, **variables: str) -> str:
    """What a block prints on a lake, in a process of its own, as a reader would run it."""
    assert script.count('lake = "/data/lake"') == 1
    ran = subprocess.run(
        [sys.executable, "-c", script.replace("/data/lake", lake)],
        env={**os.environ, "PYTHONPATH": "", **variables},
        capture_output=True,
        text=True,
    )
    # now and then a thread of theirs is still there when the process has printed all and ends
    is_late = (ran.returncode, ran.stderr.strip()) == (-signal.SIGABRT, AT_ITS_END)
    assert ran.returncode == 0 or is_late, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """A lake in a folder."""
    return fill(lake)


@pytest.fixture
def in_bucket(bucket: Bucket) -> Lake:
    """The same lake in a bucket, whose keys are in the environment."""
    return fill(Lake(Places(bucket.url, f"{bucket.url}/_checkpoints")))


def fill(lake: Lake) -> Lake:
    """All tables, and in `logs` three rows at version 1 and five at version 2."""
    for table in TABLES.values():
        store.create(lake.places, table)
    for offsets in (range(3), range(3, 5)):
        if is_url(lake.places.lake):
            time.sleep(1.1)  # a store knows times to the second, and Spark goes by them
        lake.put(events(offsets))
    return lake


@pytest.mark.slow
@pytest.mark.parametrize("section", WITHOUT_SPARK)
def test_a_block_runs_on_a_folder(filled: Lake, section: str) -> None:
    """It sees the rows of the version that it asks for."""
    found = printed(block(section), filled.places.lake)
    assert re.search(r"\b3\b" if section.startswith("deltalake") else r"\b5\b", found), found


def test_every_block_is_run() -> None:
    """None on the page is left out here."""
    shown = re.findall(r"^## (.*)\n(?:(?!^## ).*\n)*?```python", PAGE, re.MULTILINE)
    assert {*shown} == {*WITHOUT_SPARK, "Spark"}


def plain_spark(section: str, folder: Path, *more: tuple[str, str]) -> dict[str, str]:
    """The environment of a Spark that is not ours, with what a section passes to `pyspark`.

    In place of its packages it has our jars of the same versions.
    """
    said = re.findall(r"```sh\n(pyspark.*?)```", PAGE.split(f"## {section}\n")[1], re.DOTALL)[0]
    ours = {jar.coordinates for jar in (*jars.locked(), *jars.locked(jars.LOCK_S3))}
    packages = re.findall(r"--packages (\S+) ", said)[0].split(",")
    assert {*packages} <= ours
    found = [*jars.spark_jars(), *(jars.s3_jars() if len(packages) > 1 else ())]
    class_path = os.pathsep.join(map(str, found))
    lines = [*re.findall(r"--conf (\S+)=(\S+)", said), *more]
    lines += [("spark.driver.extraClassPath", class_path), ("spark.ui.enabled", "false")]
    # as small as the tables are: 200 tasks a shuffle otherwise, and 50 for a log
    lines += [("spark.sql.shuffle.partitions", "1"), ("spark.master", "local[1]")]
    lines += [("spark.databricks.delta.snapshotPartitions", "1")]
    lines += [("spark.driver.host", "localhost"), ("spark.driver.bindAddress", "127.0.0.1")]
    (folder / "spark-defaults.conf").write_text("\n".join(" ".join(line) for line in lines))
    home = str(environment.spark_home())
    return {"SPARK_CONF_DIR": str(folder), "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable}


@pytest.mark.nightly
@pytest.mark.spark
def test_a_plain_spark_reads_versions_and_times(filled: Lake, tmp_path: Path) -> None:
    """The newest rows, those of version 1, those of the newest time, and another table."""
    variables = plain_spark("Spark", tmp_path)
    found = printed(block("Spark"), filled.places.lake, **variables)
    assert found.split() == ["5", "3", "5", "[Row(count(1)=0)]"]


@pytest.mark.nightly
@pytest.mark.spark
def test_a_plain_spark_reads_a_bucket(in_bucket: Lake, bucket: Bucket, tmp_path: Path) -> None:
    """The same block, at `s3a://`, with keys that only read."""
    variables = plain_spark(
        "In a bucket", tmp_path, ("spark.hadoop.fs.s3a.endpoint", bucket.server.endpoint)
    )
    lake = in_bucket.places.lake.replace("s3://", "s3a://")
    key = {"AWS_ACCESS_KEY_ID": bucket.server.reader_key}
    found = printed(block("Spark"), lake, **variables, **key)
    assert found.split() == ["5", "3", "5", "[Row(count(1)=0)]"]


@pytest.mark.slow
@pytest.mark.parametrize("section", WITHOUT_SPARK)
def test_a_block_runs_on_a_bucket(in_bucket: Lake, bucket: Bucket, section: str) -> None:
    """The same lines, with the URL of the lake and keys from the environment that only read."""
    key = bucket.server.reader_key
    found = printed(block(section), in_bucket.places.lake, AWS_ACCESS_KEY_ID=key)
    assert re.search(r"\b3\b" if section.startswith("deltalake") else r"\b5\b", found), found


@pytest.mark.parametrize("name", TABLES)
def test_tables_need_no_feature_that_a_reader_may_lack(filled: Lake, name: str) -> None:
    """Reader version 1 and what writer version 2 implies, as the page says."""
    found = store.open_table(filled.places, name)
    assert features(found) == ["appendOnly", "invariants"]
    assert (found.protocol().min_reader_version, found.protocol().min_writer_version) == (1, 2)
    assert "reader version 1, writer version 2 (`appendOnly`, `invariants`)" in PAGE


@pytest.mark.slow
def test_rights_to_read_are_enough(filled: Lake) -> None:
    """No block writes anything below the lake."""
    root = Path(filled.places.lake)
    before = {f: f.stat().st_mtime_ns for f in root.rglob("*")}
    for section in WITHOUT_SPARK:
        printed(block(section), filled.places.lake)
    assert {f: f.stat().st_mtime_ns for f in root.rglob("*")} == before
    assert LOGS.name in PAGE
