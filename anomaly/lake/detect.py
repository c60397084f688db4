"""The anomaly program by itself: a Spark application with one query."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from anomaly.alerts import Alerts
from anomaly.engine.config import Config
from anomaly.engine.incident import Incident
from anomaly.lake import job
from lakehouse.ingest.queries import MINUTES
from lakehouse.paths import Places
from lakehouse.runtime.session import session
from lakehouse.settings import Settings


class Detect:
    """Runs until a signal, or `once` over what is there.

    `say` hears of each incident, `note` of a webhook that fails.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        config: Config,
        say: Callable[[Incident], None],
        note: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._settings, self._places = settings, places
        self._config, self._say, self._note = config, say, note
        self._stop = threading.Event()
        self._failure: Exception | None = None

    def __call__(self, once: bool) -> None:
        """Run to the end. Raises what stopped it, in words."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        alerts = Alerts(self._places, self._settings.webhook, self._note)
        with MINUTES.alone(self._places), alerts:
            job.admit(self._places, self._settings.anomaly)
            detection = job.Detection(self._places, self._config, self._say, alerts.take)
            detection()
            spark = session(self._settings, "anomaly")
            settings, kafka = self._settings.anomaly, self._settings.kafka.bootstrap
            run = job.minutes(spark, self._places, settings, detection, self._failed, kafka)
            if once:
                run.once()
            else:
                run.start()
                self._stop.wait()
                run.stop()
            with suppress(Exception):
                spark.stop()
        if self._failure:
            raise self._failure

    def _failed(self, error: Exception) -> None:
        self._failure = error
        self._stop.set()
