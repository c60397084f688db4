"""Each property of Spark that is set anywhere is one that Spark reads: others change nothing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.runtime.environment import ROOT, spark_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOMS = ("lakehouse", "producer", "streaming", "batch", "anomaly", "analytics", "gateway", "cli")
# In quotes, at the start of a line of properties, or as an option of a JVM. Settings of ours that
# start like that have an underscore, or are set at the second place.
PROPERTY = re.compile(r"""(?:["']|^|-D)(spark(?:\.[a-zA-Z]+)+)(?=["' =]|$)""", re.MULTILINE)
# Read under names that no entry has: by SparkConf, by the launcher, by name in Utils, by prefix.
WITHOUT_ENTRY = {
    "spark.app.name",
    "spark.driver.defaultJavaOptions",
    "spark.executorEnv.PYTHONPATH",
    "spark.local.dir",
    "spark.master",
    "spark.scheduler.pool",
    "spark.sql.catalog.spark_catalog",
    "spark.sql.streaming.checkpointFileManagerClass",  # declared, and no entry made of it
}
ENTRIES = (
    "org.apache.spark.sql.internal.SQLConf$",
    "org.apache.spark.sql.internal.StaticSQLConf$",
    "org.apache.spark.sql.delta.sources.DeltaSQLConf$",
)


def set_by_us() -> set[str]:
    """Every property in our programs and files."""
    programs = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    files = [ROOT / "docker-compose.cluster.yml", ROOT / "conf" / "spark-defaults.conf"]
    return {name for file in [*programs, *files] for name in PROPERTY.findall(file.read_text())}


def with_entries(jars: Iterable[Path]) -> list[str]:
    """The classes that declare Spark's own properties."""
    listed = [name for jar in jars for name in zipfile.ZipFile(jar).namelist()]
    own = [n for n in listed if re.fullmatch(r"org/apache/spark/internal/config/\w+\$\.class", n)]
    return [name.removesuffix(".class").replace("/", ".") for name in own]


@pytest.mark.spark
def test_spark_knows_each_property(spark: SparkSession) -> None:
    """Asked by name, once all that declare some are loaded."""
    jvm = spark._jvm
    for name in [*with_entries((spark_home() / "jars").glob("spark-core_*.jar")), *ENTRIES]:
        jvm.java.lang.Class.forName(name)
    find = jvm.org.apache.spark.internal.config.ConfigEntry.findEntry
    found = set_by_us()
    assert {name for name in found if find(name) is None} <= WITHOUT_ENTRY
    assert find("spark.ui.bindAddress") is None
    assert {"spark.ui.killEnabled", "spark.authenticate", "spark.history.ui.port"} <= found
