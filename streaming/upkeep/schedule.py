"""Runs upkeep while a stream runs: a pass now and then, each in its own process.

Sorting an hour takes memory and CPU that batches need, and its crash must not end the stream. The
process has the lowest priority, and ends when this one does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from lakehouse.runtime import processes
from lakehouse.settings import Settings

NICE = "15"
COMMAND = ("-m", "streaming", "upkeep", "--format", "json", "--nice", NICE)


class Schedule:
    """Starts a pass every `upkeep.every_minutes`, never two at once; `say` is called with problems.

    `start` and `stop` may be called in any order, and again.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._reported: set[str] = set()
        self._stopping = threading.Event()
        self._child: processes.Child | None = None
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the schedule. The first pass comes after one period; with 0 minutes none comes."""
        if self._settings.upkeep.every_minutes and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends a running pass; the next one does what it has not committed."""
        self._stopping.set()
        with self._starting:
            if self._child is not None:
                processes.end(self._child)
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        # Linux ends a child with the thread that started it: this one waits for each
        while not self._stopping.wait(self._settings.upkeep.every_minutes * 60):
            try:
                self._pass()
            except OSError as error:
                self._tell({f"upkeep could not be started: {error}"})

    def _pass(self) -> None:
        with tempfile.TemporaryFile() as errors:
            with self._starting:
                if self._stopping.is_set():
                    return
                self._child = child = processes.spawn(
                    [sys.executable, *COMMAND], subprocess.PIPE, errors, environment(self._settings)
                )
            assert child.stdout
            output = child.stdout.read()
            code = child.wait()
            done = json.loads(output) if code == 0 else []
            errors.seek(0)
            if not self._stopping.is_set():
                self._tell(amiss(done, code, errors.read().decode(errors="replace")))

    def _tell(self, notes: set[str]) -> None:
        """Reports each problem once, until a pass goes by without it."""
        for note in sorted(notes - self._reported):
            self._say(note)
        self._reported = notes


def amiss(done: list[dict[str, Any]], code: int, errors: str) -> set[str]:
    """Returns the problems of a pass: what was refused, and why it failed."""
    notes = {
        f"upkeep of {one['table']}: {one['what']}: {one['note']}" for one in done if one["note"]
    }
    if code:
        notes.add(f"upkeep ended early (exit code {code}), and is tried again: {_why(errors)}")
    return notes


def _why(errors: str) -> str:
    """Returns the first line of an error message, or the last of a stack trace."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def environment(settings: Settings) -> dict[str, str]:
    """Returns an environment in which a child process has these settings, flags included."""
    given = {"lake": settings.lake, "checkpoints": settings.checkpoints}
    upkeep = {f"upkeep_{name}": value for name, value in settings.upkeep}
    own = {f"LOGPOND_{name.upper()}": str(value) for name, value in {**given, **upkeep}.items()}
    return {**processes.importable(), **own}
