"""The only builder of a SparkSession."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.runtime import event_log, jars, java
from lakehouse.settings import CONF, Settings

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession


def session(
    settings: Settings, app: str, more: Mapping[str, str] = MappingProxyType({})
) -> SparkSession:
    """A Spark application named `app` with Delta and Kafka; conf/spark-defaults.conf holds for it.

    `more` are properties of Spark on top, as `spark.executor.memory`.
    What the JVM says on its own goes to spark-<app>.log in the lake's state folder.
    Raises SettingsError where Java or a jar is missing, or the JVM does not start.
    """
    java.check()
    os.environ.update(SPARK_CONF_DIR=str(CONF), PYSPARK_PYTHON=sys.executable)
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    _silence_the_wires()
    # a JVM that runs already has read spark-defaults.conf: only there they are to be had again
    conf = SparkConf(loadDefaults=SparkContext._gateway is not None)
    conf.setAll([*{**_options(settings, app), **more}.items()])
    if SparkContext._active_spark_context is None:
        log = log_file(settings, app)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as errors, _own_ctrl_c():
            SparkContext(conf=conf, gateway=_gateway(conf, errors, log))
    spark = SparkSession.builder.config(conf=conf).getOrCreate()
    event_log.keep_small(spark, settings)
    return spark


def log_file(settings: Settings, app: str) -> Path:
    """What the Spark of an application says on its own."""
    return Path(Places.of(settings).state) / f"spark-{app}.log"


def _silence_the_wires() -> None:
    """A JVM that dies is told once, in words, by whoever called it; not by its connections too."""
    from pyspark.accumulators import AccumulatorTCPServer, AccumulatorUnixServer

    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    for server in (AccumulatorTCPServer, AccumulatorUnixServer):
        server.handle_error = lambda *_: None  # type: ignore[method-assign]


@contextmanager
def _own_ctrl_c() -> Iterator[None]:
    """Spark would have Ctrl-C cancel the jobs of a batch; what the program does on it stays."""
    ours = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, ours)


def _gateway(conf: SparkConf, errors: IO[str], log: Path) -> Any:
    """A JVM out of reach of the terminal's signals: we stop it, or it ends when we do."""
    from pyspark import SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:
        return None
    try:
        return launch_gateway(conf, {"stderr": errors, "start_new_session": True})
    except PySparkRuntimeError:
        said = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-5:])
        raise SettingsError(f"Spark did not start:\n{said}", f"see {log}") from None


def _options(settings: Settings, app: str) -> dict[str, str]:
    return {
        "spark.app.name": app,
        "spark.master": settings.spark.master,
        "spark.jars": ",".join(str(jar) for jar in jars.spark_jars()),
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.ui.port": str(settings.spark.ui_port),
        "spark.ui.bindAddress": settings.spark.ui_host,
        "spark.sql.warehouse.dir": f"{Places.of(settings).state}/warehouse",
        "spark.executorEnv.PYTHONPATH": str(CONF.parent),
        **_local_address(settings.spark.master),
        **event_log.options(settings),
    }


def _local_address(master: str) -> dict[str, str]:
    """One machine talks to itself: no name look-ups, and no port open to others."""
    if not master.startswith("local"):
        return {}
    return {
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
    }
