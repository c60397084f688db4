"""The producer as a child process: it says a line of JSON a second, and its totals at the end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from cli.stack.status import Status
from lakehouse.errors import LogpondError
from lakehouse.runtime import processes

# all acked; unsent records kept on disk for the next start; records refused and kept
ENDED_WELL = (0, 6, 7)


class Sender:
    """A producer that is started once, and stopped so that it flushes what it has."""

    def __init__(self, words: Sequence[str], log: Path, status: Status) -> None:
        self._words, self._log, self._status = words, log, status
        self._child: processes.Child | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self.totals: dict[str, Any] = {}

    def start(self) -> None:
        """Start it; its own words on faults go to a log file."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "producer", *self._words, "--format", "json"]
        with self._log.open("wb") as errors:
            self._child = processes.spawn(command, subprocess.PIPE, errors, processes.importable())
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether it still sends."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """Ask it to flush and end; again is no fault."""
        if self._child is None:
            return
        processes.end(self._child)
        self._reader.join(5)

    def failure(self) -> LogpondError | None:
        """What to say if it crashed; None while it runs and after a proper end."""
        code = self._child.poll() if self._child else None
        if code is None or code in ENDED_WELL:
            return None
        words = processes.last_lines(self._log)
        return LogpondError(f"the producer ended (exit code {code}):\n{words}", f"see {self._log}")

    def _read(self) -> None:
        assert self._child
        assert self._child.stdout
        out: IO[bytes] = self._child.stdout
        for line in out:
            self._take(json.loads(line))

    def _take(self, said: dict[str, Any]) -> None:
        if said["phase"] == "done":
            self.totals = said
        self._status.sent(said)
