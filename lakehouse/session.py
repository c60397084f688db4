"""The only builder of a SparkSession."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse import jars, java
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.settings import CONF, Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def session(settings: Settings, app: str) -> SparkSession:
    """A Spark application named `app` with Delta and Kafka; conf/spark-defaults.conf holds for it.

    What the JVM says on its own goes to spark.log in the lake's state folder.
    Raises SettingsError where Java or a jar is missing, or the JVM does not start.
    """
    java.check()
    log = Path(Places.of(settings).state) / "spark.log"
    os.environ.update(SPARK_CONF_DIR=str(CONF), PYSPARK_PYTHON=sys.executable)
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(app).master(settings.spark.master)
    try:
        with _errors_to(log):
            return builder.config(map={**_options(settings)}).getOrCreate()
    except PySparkRuntimeError as error:
        raise SettingsError("Spark did not start:\n" + _tail(log), f"see {log}") from error


def _options(settings: Settings) -> dict[str, str]:
    return {
        "spark.jars": ",".join(str(jar) for jar in jars.spark_jars()),
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.ui.port": str(settings.spark.ui_port),
        "spark.executorEnv.PYTHONPATH": str(CONF.parent),
        **_local_address(settings.spark.master),
    }


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """A child that starts in here writes its standard error to `log`, for as long as it lives."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _tail(log: Path, lines: int = 5) -> str:
    return "\n".join(f"    {line}" for line in log.read_text().splitlines()[-lines:])


def _local_address(master: str) -> dict[str, str]:
    """One machine talks to itself: no name look-ups, and no port open to others."""
    if not master.startswith("local"):
        return {}
    return {
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.bindAddress": "127.0.0.1",
    }
