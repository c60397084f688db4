"""The only builder of a SparkSession."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lakehouse import jars, java
from lakehouse.settings import CONF, Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def session(settings: Settings, app: str) -> SparkSession:
    """A Spark application named `app` with Delta and Kafka; conf/spark-defaults.conf holds for it.

    Raises SettingsError where Java or a jar is missing. Nothing is downloaded.
    """
    java.check()
    os.environ.update(
        SPARK_CONF_DIR=str(CONF),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_DRIVER_PYTHON=sys.executable,
    )
    from pyspark.sql import SparkSession

    options = {
        "spark.jars": ",".join(str(jar) for jar in jars.spark_jars()),
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.ui.port": str(settings.spark.ui_port),
        "spark.executorEnv.PYTHONPATH": str(CONF.parent),
        **_local_address(settings.spark.master),
    }
    builder = SparkSession.builder.appName(app).master(settings.spark.master)
    return builder.config(map={**options}).getOrCreate()


def _local_address(master: str) -> dict[str, str]:
    """One machine talks to itself: no name look-ups, and no port open to others."""
    if not master.startswith("local"):
        return {}
    return {
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.bindAddress": "127.0.0.1",
    }
