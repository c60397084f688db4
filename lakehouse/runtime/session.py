"""The only builder of a SparkSession."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.runtime import environment, event_log, jars, java
from lakehouse.settings import CONF, Settings, Spark

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

AUTHENTICATED = {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}


def session(
    settings: Settings, app: str, more: Mapping[str, str] = MappingProxyType({})
) -> SparkSession:
    """A Spark application named `app` with Delta and Kafka; conf/spark-defaults.conf holds for it.

    `more` are properties of Spark on top, as `spark.executor.memory`.
    What the JVM says on its own goes to spark-<app>.log in the lake's state folder.
    Raises SettingsError where Java or a jar is missing, or the JVM does not start.
    """
    java.check()
    _own_environment(settings)
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
            gateway = _gateway(conf, errors, log)
            conf.setAll([*_secret(settings.spark).items()])
            SparkContext(conf=conf, gateway=gateway)
    spark = SparkSession.builder.config(conf=conf).getOrCreate()
    event_log.keep_small(spark, settings)
    return spark


def log_file(settings: Settings, app: str) -> Path:
    """What the Spark of an application says on its own."""
    return Places.of(settings).program_log(f"spark-{app}")


def _own_environment(settings: Settings) -> None:
    """Our Spark's places and addresses, and those of no other Spark on this machine."""
    environment.leave_other_installations()
    os.environ.update(
        SPARK_HOME=str(environment.spark_home()),
        SPARK_CONF_DIR=str(CONF),
        SPARK_LOCAL_IP=settings.spark.ui_host,
        PYSPARK_PYTHON=sys.executable,
        SPARK_USER=environment.user(),
    )


def _secret(spark: Spark) -> dict[str, str]:
    """What a cluster wants to know; set once the JVM runs, for everybody can read its command."""
    if spark.master.startswith("local") or not spark.secret_file:
        return {}
    try:
        secret = Path(spark.secret_file).read_text().strip()
    except OSError as error:
        raise SettingsError(f"spark.secret_file {spark.secret_file}: {error.strerror}") from None
    return {**AUTHENTICATED, "spark.authenticate.secret": secret}


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
        gateway = launch_gateway(conf, {"stderr": errors, "start_new_session": True})
        return _logged_in(gateway)
    except PySparkRuntimeError:
        said = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-5:])
        raise SettingsError(f"Spark did not start:\n{said}", f"see {log}") from None


def _logged_in(gateway: Any) -> Any:
    """Hadoop asks the machine for our name, and fails where it has none for our number."""
    if not environment.has_name():
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(environment.user()))
    return gateway


def _options(settings: Settings, app: str) -> dict[str, str]:
    places = Places.of(settings)
    return {
        "spark.app.name": app,
        "spark.master": settings.spark.master,
        **_jars(settings.spark.master),
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.ui.port": str(settings.spark.ui_port),
        "spark.driver.defaultJavaOptions": environment.quoted(
            environment.java_options(places.of_spark("tmp"))
        ),
        "spark.jars.ivy": str(places.of_spark("ivy")),
        "spark.local.dir": tempfile.gettempdir(),
        "spark.sql.warehouse.dir": str(places.of_spark("warehouse")),
        "spark.executorEnv.PYTHONPATH": str(CONF.parent),
        **_driver_address(settings.spark.master),
        **event_log.options(settings),
    }


def _jars(master: str) -> dict[str, str]:
    """On the driver's class path, and sent to executors that have another one."""
    found = [str(jar) for jar in jars.spark_jars()]
    sent = {} if master.startswith("local") else {"spark.jars": ",".join(found)}
    return {"spark.driver.extraClassPath": os.pathsep.join(found), **sent}


def _driver_address(master: str) -> dict[str, str]:
    """One machine talks to itself: no name look-ups, and no port open to others.

    On a cluster the driver listens at the one address that leads to its master.
    """
    if master.startswith("local"):
        return {"spark.driver.host": "localhost", "spark.driver.bindAddress": "127.0.0.1"}
    own = _address_towards(master)
    return {"spark.driver.host": own, "spark.driver.bindAddress": own}


def _address_towards(master: str) -> str:
    """Which address of ours is used on the way there; nothing is sent."""
    there = urlsplit(master.removeprefix("k8s://").partition(",")[0])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((there.hostname or socket.gethostname(), there.port or 443))
            return str(way.getsockname()[0])
    except (OSError, ValueError) as error:
        raise SettingsError(f"no way to spark.master {master}: {error}") from None
