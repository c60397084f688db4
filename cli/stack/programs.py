"""Runs the producer, the pages and other servers as child processes of the local stack."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from analytics.postgres import server as postgres
from analytics.web.base import access as pages_access
from analytics.web.serve import address
from cli.stack.screen import Status
from gateway.access import Access
from gateway.serve import check_topic
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.runtime import kafka, processes
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings
from lakehouse.sources import sources_of

# all acked; unsent records kept on disk for the next start; records refused and kept
ENDED_WELL = (0, 6, 7)


class Sender:
    """A producer that is started once, and stopped so that it flushes its records."""

    def __init__(self, words: Sequence[str], log: Path, status: Status) -> None:
        self._words, self._log, self._status = words, log, status
        self._child: processes.Child | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self.totals: dict[str, Any] = {}

    def start(self) -> None:
        """Starts it; its own messages on faults go to a log file."""
        command = [sys.executable, "-m", "producer", *self._words, "--format", "json"]
        pipe = subprocess.PIPE
        self._child = processes.spawn(command, pipe, pipe, processes.importable())
        assert self._child.stderr
        self._keeper = processes.keep(self._child.stderr, self._log)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether it still sends."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """Asks it to flush and end. May be called again."""
        if self._child is None:
            return
        processes.end(self._child)
        self._reader.join(5)

    def failure(self) -> LogpondError | None:
        """Returns the error to report if it crashed; None while it runs and after a normal end."""
        code = self._child.poll() if self._child else None
        if code is None or code in ENDED_WELL:
            return None
        self._keeper.join(1)
        words = processes.last_lines(self._log)
        return LogpondError(f"the producer ended (exit code {code}):\n{words}", f"see {self._log}")

    def _read(self) -> None:
        assert self._child
        assert self._child.stdout
        out: IO[bytes] = self._child.stdout
        for line in out:
            self._take(json.loads(line))

    def _take(self, report: dict[str, Any]) -> None:
        if report["phase"] == "done":
            self.totals = report
        self._status.sent(report)


class Page:
    """A server of the pages; nothing else waits for it or depends on it."""

    def __init__(self, places: Places) -> None:
        self._places, self._log = places, places.program_log("web")
        self._child: processes.Child | None = None

    def start(self, settings: Settings, gateway_port: int) -> str:
        """Starts it once, on the port of the settings or a free one. Returns its address.

        If others can reach it, the address of the first start has a token in it. The page says
        where senders reach the gateway, by its port.
        """
        port, web = processes.free_port(settings.web.port), settings.web
        words = ["--lake", self._places.lake, "--host", web.host, "--port", str(port)]
        environment = {
            "LOGPOND_KAFKA_BOOTSTRAP": settings.kafka.bootstrap,
            "LOGPOND_GATEWAY_PORT": str(gateway_port),
        }
        # made here, so that it is shown on the screen and in no log
        secret = pages_access.Access.of(self._places, settings).first_token()
        self._child = processes.spawn(
            [sys.executable, "-m", "cli", "web", *words],
            subprocess.PIPE,
            subprocess.STDOUT,
            {**processes.importable(), **environment},
        )
        assert self._child.stdout
        processes.keep(self._child.stdout, self._log)
        return address(web, port, secret)

    @property
    def is_started(self) -> bool:
        """Whether it was started, even if it has failed since."""
        return self._child is not None

    def close(self) -> None:
        """Ends it. May be called again."""
        if self._child:
            processes.end(self._child, patience=5)


class Tables:
    """A server of the tables by PostgreSQL's protocol; nothing else waits for it."""

    def __init__(self, places: Places) -> None:
        self._places, self._log = places, places.program_log("postgres")
        self._child: processes.Child | None = None

    def start(self, settings: Settings, say: Callable[[str], None]) -> str:
        """Starts it once, on the port of the settings or a free one. Returns its address.

        If others can reach it, says the token of a first start. Raises SettingsError where it would
        be unsafe.
        """
        given = settings.postgres
        port = processes.free_port(given.port)
        # made here, so that it is shown on the screen and in no log
        if secret := postgres.first_token(self._places, settings):
            say(f"the password for PostgreSQL's tools, a token that is shown once: {secret}")
        words = ["--lake", self._places.lake, "--host", given.host, "--port", str(port)]
        self._child = processes.spawn(
            [sys.executable, "-m", "cli", "postgres", *words],
            subprocess.PIPE,
            subprocess.STDOUT,
            processes.importable(),
        )
        assert self._child.stdout
        processes.keep(self._child.stdout, self._log)
        return postgres.address(given, port)

    def close(self) -> None:
        """Ends it. May be called again."""
        if self._child:
            processes.end(self._child, patience=5)


class Gateway:
    """The HTTP door; nothing else waits for it or depends on it. `port` is 0 before its start."""

    def __init__(self, places: Places) -> None:
        self._places, self._log, self.port = places, places.program_log("gateway"), 0
        self._child: processes.Child | None = None

    def start(self, settings: Settings, say: Callable[[str], None]) -> str:
        """Starts it once, on the port of the settings or a free one. Returns its address.

        If others can reach it, says the token of a first start. Raises BrokerError where Kafka
        lacks its topic, SettingsError where no source reads that.
        """
        gateway = settings.gateway
        check_topic(sources_of(settings), gateway.topic)
        kafka.describe(Connection.of(settings.kafka), gateway.topic)
        self.port = processes.free_port(gateway.port)
        # made here, so that it is shown on the screen and in no log
        if secret := Access.of(self._places, settings).first_token():
            say(f"the gateway's token to send with, shown once: {secret}")
        words = ["--lake", self._places.lake, "--host", gateway.host, "--port", str(self.port)]
        environment = {
            "LOGPOND_KAFKA_BOOTSTRAP": settings.kafka.bootstrap,
            "LOGPOND_SOURCES": settings.sources,
        }
        self._child = processes.spawn(
            [sys.executable, "-m", "cli", "gateway", *words],
            subprocess.PIPE,
            subprocess.STDOUT,
            {**processes.importable(), **environment},
        )
        assert self._child.stdout
        processes.keep(self._child.stdout, self._log)
        scheme = "https" if gateway.tls_cert else "http"
        return f"{scheme}://{processes.local(gateway.host)}:{self.port}/"

    def close(self) -> None:
        """Ends it. May be called again."""
        if self._child:
            processes.end(self._child, patience=15)
