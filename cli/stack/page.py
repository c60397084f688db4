"""The pages of `logpond web` as a child process, for as long as the local stack runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lakehouse.paths import Places
from lakehouse.runtime import processes
from lakehouse.settings import Settings


class Page:
    """A server of the pages, which nothing else waits for or depends on."""

    def __init__(self, places: Places) -> None:
        self._lake, self._log = places.lake, Path(places.state) / "web.log"
        self._child: processes.Child | None = None

    def start(self, settings: Settings) -> str:
        """Start it once, on the port of the settings or any that is free; its address."""
        port = processes.free_port(settings.web.port)
        words = ["--lake", self._lake, "--host", settings.web.host, "--port", str(port)]
        told = {"LOGPOND_KAFKA_BOOTSTRAP": settings.kafka.bootstrap}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._child = processes.spawn(
                [sys.executable, "-m", "cli", "web", *words],
                log,
                subprocess.STDOUT,
                {**processes.importable(), **told},
            )
        return f"http://{processes.local(settings.web.host)}:{port}/"

    @property
    def is_started(self) -> bool:
        """Whether it was started, however it fares."""
        return self._child is not None

    def close(self) -> None:
        """End it; again is no fault."""
        if self._child:
            processes.end(self._child, patience=5)
