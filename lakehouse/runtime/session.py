"""The only builder of a SparkSession."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lakehouse.errors import SettingsError
from lakehouse.paths import Places, is_url
from lakehouse.runtime import class_archive, environment, event_log, jars, java, rights
from lakehouse.settings import CONF, Settings, Spark
from lakehouse.storage import Storage, trust

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

NONE: Mapping[str, str] = MappingProxyType({})
LOG_BYTES, BEGINS = 8 << 20, "---- Spark begins:"
AUTHENTICATED = {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}


def session(
    settings: Settings,
    app: str,
    more: Mapping[str, str] = NONE,
    variables: Mapping[str, str] = NONE,
    java_options: Sequence[str] = (),
) -> SparkSession:
    """A Spark application named `app` with Delta and Kafka; conf/spark-defaults.conf holds for it.

    `more` are properties of Spark on top, as `spark.executor.memory`; `variables` are of the JVM
    alone, where it starts now: what others must not see. `java_options` are more of its own.
    What the JVM says on its own goes to spark-<app>.log in the lake's state folder.
    Raises SettingsError where Java or a jar is missing, or the JVM does not start.
    """
    java.check()
    _refuse_other_clouds(Places.of(settings))
    _own_environment(settings)
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    _silence_the_wires()
    # a JVM that runs already has read spark-defaults.conf: only there they are to be had again
    conf = SparkConf(loadDefaults=SparkContext._gateway is not None)
    conf.setAll([*{**_options(settings, app, java_options), **more}.items()])
    if SparkContext._active_spark_context is None:
        log = log_file(settings, app)
        storage = _storage(settings)
        own = {**dict.fromkeys(storage.decided(), ""), **variables, **storage.environment()}
        with begun(log) as errors, _own_ctrl_c(), _given(own):
            gateway = _gateway(conf, errors, log)
            conf.setAll([*{**_secret(settings.spark), **_keys(settings)}.items()])
            SparkContext(conf=conf, gateway=gateway)
    spark = SparkSession.builder.config(conf=conf).getOrCreate()
    event_log.keep_small(spark, settings)
    return spark


def _refuse_other_clouds(places: Places) -> None:
    """Raises SettingsError for a lake that Spark has no connector for here."""
    for place in (places.lake, places.checkpoints):
        if is_url(place) and not place.startswith(("s3://", "file://")):
            raise SettingsError(
                f"Spark reads and writes s3:// here, and no {place.partition(':')[0]}://: {place}",
                "`sql`, `tables` and `verify` read it without Spark; see docs/bucket.md",
            )


def begun(log: Path) -> IO[str]:
    """The log, with a line that says who begins; it lies in the lake whatever is written.

    Another process may write it now, which this one stands by for or is refused by: what it says
    stays. A log that is full becomes `NAME.1` in place of the one before.
    """
    with rights.as_lake():
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(f"{log}.1")
        file = log.open("a")
    file.write(f"{BEGINS} process {os.getpid()}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    file.flush()
    return file


def log_file(settings: Settings, app: str) -> Path:
    """Returns the log file of Spark for an application."""
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
    """Returns the secret options of a cluster; set in the running JVM, as all can read commands."""
    if spark.master.startswith("local") or not spark.secret_file:
        return {}
    try:
        secret = Path(spark.secret_file).read_text().strip()
    except OSError as error:
        raise SettingsError(f"spark.secret_file {spark.secret_file}: {error.strerror}") from None
    return {**AUTHENTICATED, "spark.authenticate.secret": secret}


def _silence_the_wires() -> None:
    """Silences the connections of a JVM that died: the caller already reports it."""
    from pyspark.accumulators import AccumulatorTCPServer, AccumulatorUnixServer

    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_the_wires)
    for server in (AccumulatorTCPServer, AccumulatorUnixServer):
        server.handle_error = lambda *_: None  # type: ignore[method-assign]


def _is_not_of_the_wires(record: logging.LogRecord) -> bool:
    """py4j names its own logger in some places, and none in others."""
    return record.module not in ("java_gateway", "clientserver")


@contextmanager
def _own_ctrl_c() -> Iterator[None]:
    """Spark would have Ctrl-C cancel the jobs of a batch; what the program does on it stays."""
    ours = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, ours)


@contextmanager
def _given(variables: Mapping[str, str]) -> Iterator[None]:
    """Has a process that is started meanwhile get variables of the environment.

    It does not get those that are empty.
    """
    before = {name: os.environ.pop(name, None) for name in variables}
    os.environ.update({name: value for name, value in variables.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


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
        tail = "\n".join(f"    {line}" for line in _own_words(log).splitlines()[-5:])
        raise SettingsError(f"Spark did not start:\n{tail}", f"see {log}") from None


def _own_words(log: Path) -> str:
    """Returns what the log has of the start that began last."""
    return log.read_text(errors="replace").rpartition(BEGINS)[2]


def _logged_in(gateway: Any) -> Any:
    """Hadoop asks the machine for our name, and fails where it has none for our number."""
    if not environment.has_name():
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(environment.user()))
    return gateway


def _options(settings: Settings, app: str, java_options: Sequence[str]) -> dict[str, str]:
    places = Places.of(settings)
    return {
        "spark.app.name": app,
        "spark.master": settings.spark.master,
        **_jars(settings),
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.ui.port": str(settings.spark.ui_port),
        "spark.driver.defaultJavaOptions": environment.quoted(
            [
                *environment.java_options(places.of_spark("tmp")),
                *class_archive.java_options("spark"),
                *java_options,
                *_trust(settings),
            ]
        ),
        "spark.jars.ivy": str(places.of_spark("ivy")),
        "spark.local.dir": tempfile.gettempdir(),
        "spark.sql.warehouse.dir": str(places.of_spark("warehouse")),
        "spark.executorEnv.PYTHONPATH": str(CONF.parent),
        # Hadoop sets the modes of files by itself
        "spark.hadoop.fs.permissions.umask-mode": f"{rights.current():03o}",
        **_driver_address(settings.spark.master),
        **event_log.options(settings),
        **(_storage(settings).spark() if places.is_in_a_bucket else {}),
    }


def _storage(settings: Settings) -> Storage:
    return Storage.of(settings.storage) if Places.of(settings).is_in_a_bucket else Storage()


def _trust(settings: Settings) -> list[str]:
    ca_file, places = _storage(settings).ca_file, Places.of(settings)
    if not ca_file:
        return []
    return trust.java_options(java.check(), ca_file, places.of_spark("tmp") / "trusted")


def _keys(settings: Settings) -> dict[str, str]:
    """Returns what executors on other machines need to reach a bucket: they have it from us.

    Kubernetes shows what we give to whoever may read pods: there keys come from its Secrets.
    """
    master = settings.spark.master
    if master.startswith("local"):
        return {}
    return _storage(settings).executors(with_keys=not master.startswith("k8s"))


def _jars(settings: Settings) -> dict[str, str]:
    """On the driver's class path, and sent to executors that have another one and no jars.

    Spark's own come before the folder `conf`, where Spark would have them after it: Java takes
    no archive of classes that were loaded after a folder with files.
    """
    spark, is_far = settings.spark, Places.of(settings).is_in_a_bucket
    far = [str(jar) for jar in (jars.s3_jars() if is_far else [])]
    found = [str(jar) for jar in jars.spark_jars()]
    class_path = [*found, str(environment.spark_home() / "jars" / "*"), *far]
    options = {"spark.driver.extraClassPath": os.pathsep.join(class_path)}
    if spark.master.startswith("local"):
        return options
    if spark.executor_jars:
        return {**options, "spark.executor.extraClassPath": f"{spark.executor_jars}/*"}
    return {**options, "spark.jars": ",".join([*found, *far])}


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
