"""Runs the streaming ingest in a thread of this process."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from cli.stack.screen import Screen
from lakehouse.errors import LogpondError
from lakehouse.ingest.lag import count, unread_offsets
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.sources import sources_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from anomaly.engine.incident import Incident
    from anomaly.lake.detection import Detection
    from lakehouse.windows.run import ClosingRun
    from lakehouse.windows.stream import WindowsReport

# a batch that is cut off is finished by its plan at the next start
STOP_SECONDS, HURRY_SECONDS = 60.0, 10.0


class Ingest:
    """One run of the ingest query; `failure` is what stopped it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._settings: Settings
        self._places: Places
        self._preparing: threading.Thread | None = None
        self._stop, self._hurry = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._error: BaseException | None = None
        self._start_detection: Callable[[], Detection]
        self.is_reading = False

    def prepare(self, settings: Settings) -> None:
        """Starts Spark alone; `start` takes it over. Whether it can be started, `start` says.

        Only for a Kafka that asks for no secrets: a JVM gets them as it starts.
        """
        self._preparing = threading.Thread(
            target=_prepare, args=(settings,), name="spark", daemon=True
        )
        self._preparing.start()

    def start(self, settings: Settings) -> None:
        """Starts Spark, and reads the topic."""
        self._settings, self._places = settings, Places.of(settings)
        self._thread.start()

    def close(self) -> None:
        """Ends Spark where it was prepared, and no run took it over."""
        if self._preparing and not self._thread.is_alive():
            self._preparing.join()
            _abandon()

    def stop(self, hurry: bool = False) -> None:
        """Finishes the batch, closes windows and ends; `hurry` skips windows. May be repeated."""
        if hurry:
            self._hurry.set()
        self._stop.set()
        if self._thread.ident:
            self._thread.join(HURRY_SECONDS if hurry else STOP_SECONDS)

    def failure(self) -> BaseException | None:
        """Returns why it ended before it was asked to; None while it runs."""
        if self._error is None and not self._thread.is_alive() and not self._stop.is_set():
            return LogpondError("ingest ended by itself", "start again: nothing is lost")
        return self._error

    def behind(self) -> int:
        """Returns how many records of the topics no completed batch has taken yet."""
        connection = Connection.of(self._settings.kafka)
        read = sources_of(self._settings).found(kafka.names(connection))
        return count(unread_offsets(self._places, connection, read))

    def _run(self) -> None:
        try:
            if self._preparing:
                self._preparing.join()
            from anomaly.commands.series import constants
            from anomaly.lake import job
            from streaming.run import Hooks, Run

            screen = self._screen
            hooks = Hooks(
                on_batch=screen.status.committed,
                on_start=self._reading,
                on_notice=screen.say,
                on_closed=self._closed,
                also=self._detection,
            )
            judged_by = constants(None)
            self._warm_minutes = judged_by.keys.warm_minutes
            alone = job.alone(self._settings, self._places, judged_by, self._found, screen.say)
            with alone as self._start_detection:
                run = Run(self._settings, self._places, self._stop, hooks)
                run.closes_windows = self._may_close_windows
                run()
        except BaseException as error:
            self._error = error

    def _may_close_windows(self) -> bool:
        return not self._hurry.is_set()

    def _detection(
        self, spark: SparkSession, failed: Callable[[Exception], None]
    ) -> list[ClosingRun]:
        """Returns the query of the anomaly program, which runs in the same application."""
        from anomaly.lake import job

        self._screen.say(f"detection judges what has {self._warm_minutes} min of history")
        return [job.query(spark, self._settings, self._start_detection(), failed)]

    def _found(self, incident: Incident) -> None:
        self._screen.status.found(incident)
        if incident.status == "open" and not incident.parent and not incident.muted:
            self._screen.say(f"{incident.severity.upper()}: {incident.sentence}")

    def _closed(self, report: WindowsReport) -> None:
        self._screen.say(report.line)
        self._screen.status.closed(report)

    def _reading(self, spark_ui: str) -> None:
        self._screen.status.spark_ui = spark_ui
        self.is_reading = True


def _prepare(settings: Settings) -> None:
    from streaming.run import application

    # `Run` asks for the same session, and says what is wrong with it
    with suppress(LogpondError):
        application(settings, {})


def _abandon() -> None:
    from pyspark import SparkContext

    if context := SparkContext._active_spark_context:
        context.stop()
