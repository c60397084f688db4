"""Spark's event logs: what applications did, kept for `logpond spark-ui`, and kept small."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.paths import Places
from lakehouse.runtime import rights
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERY_SECONDS = 300.0
# A file of an application that runs is closed at this size, counted before compression; all but
# the newest are then rid of the jobs that are over.
ROLLED_AT, ROLLED_KEPT = "64m", 2


def folder(settings: Settings) -> Path:
    """Returns the folder of the event logs, with one folder an application."""
    return Places.of(settings).spark_events


def options(settings: Settings) -> dict[str, str]:
    """Returns the options that an application is started with; none without event logs."""
    if not settings.spark.event_log_mb:
        return {}
    place = folder(settings)
    with rights.as_lake():
        place.mkdir(parents=True, exist_ok=True)
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": place.as_uri(),
        "spark.eventLog.compress": "true",
        "spark.eventLog.rolling.enabled": "true",
        "spark.eventLog.rolling.maxFileSize": ROLLED_AT,
    }


def keep_small(spark: SparkSession, settings: Settings) -> None:
    """From now on, until this process ends: its own log stays short, and old ones go."""
    if settings.spark.event_log_mb:
        what = (spark, folder(settings), settings.spark.event_log_mb * 1_000_000)
        threading.Thread(target=_keep, args=what, name="event log", daemon=True).start()


def trim(place: Path, most: int) -> None:
    """Delete the applications that were written to longest ago, until the others take `most`."""
    newest_first = sorted(place.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    taken = 0
    for application in newest_first:
        taken += sum(file.stat().st_size for file in application.iterdir())
        if taken > most and application != newest_first[0]:
            shutil.rmtree(application, ignore_errors=True)


def compact(spark: SparkSession, kept: int = ROLLED_KEPT) -> str:
    """Rid closed files of an application that runs of jobs that are over, as Spark's history does.

    Spark's word for how that went.
    """
    context: Any = spark.sparkContext
    scala, hadoop = context._jsc.sc(), context._jsc.hadoopConfiguration()
    path = context._jvm.org.apache.hadoop.fs.Path(scala.eventLogger().get().logWriter().logPath())
    system = path.getFileSystem(hadoop)
    history = context._jvm.org.apache.spark.deploy.history
    logs = history.EventLogFileReader.apply(system, path).get().listEventLogFiles()
    compactor = history.EventLogFileCompactor(scala.conf(), hadoop, system, kept, 0.0)
    return str(compactor.compact(logs).code().toString())


def _keep(spark: SparkSession, place: Path, most: int) -> None:
    pause = threading.Event()
    while spark.sparkContext._jsc is not None:
        # an application that ends, a log that another one trims: neither is worth a stream
        with suppress(Exception):
            trim(place, most)
            compact(spark)
        pause.wait(EVERY_SECONDS)
