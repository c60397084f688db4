"""Upkeep beside a running stream: a pass now and then, each in a process of its own.

Sorting an hour takes memory and CPU that no batch should miss, and a crash of it must not end the
stream. The process has the lowest priority that is still served, and ends when this one does.
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
    """Starts a pass every `upkeep.every_minutes`, never two at once; `say` gets what is amiss.

    `start` and `stop` may be called in any order, and again.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._said: set[str] = set()
        self._stopping = threading.Event()
        self._child: processes.Child | None = None
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The first pass comes after the first period; none where it is 0."""
        if self._settings.upkeep.every_minutes and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End a pass under way: what it did not commit is done by the next one."""
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
            told = child.stdout.read()
            code = child.wait()
            done = json.loads(told) if code == 0 else []
            errors.seek(0)
            if not self._stopping.is_set():
                self._tell(amiss(done, code, errors.read().decode(errors="replace")))

    def _tell(self, notes: set[str]) -> None:
        """Each note once, until a pass goes by without it."""
        for note in sorted(notes - self._said):
            self._say(note)
        self._said = notes


def amiss(done: list[dict[str, Any]], code: int, errors: str) -> set[str]:
    """What a person should hear of a pass: what was refused, and why it failed."""
    notes = {
        f"upkeep of {one['table']}: {one['what']}: {one['note']}" for one in done if one["note"]
    }
    if code:
        notes.add(f"upkeep ended early (exit code {code}), and is tried again: {_why(errors)}")
    return notes


def _why(errors: str) -> str:
    """The first line of a fault in words, the last of a stack trace."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def environment(settings: Settings) -> dict[str, str]:
    """An environment in which a child has these settings, flags included."""
    given = {"lake": settings.lake, "checkpoints": settings.checkpoints}
    upkeep = {f"upkeep_{name}": value for name, value in settings.upkeep}
    own = {f"LOGPOND_{name.upper()}": str(value) for name, value in {**given, **upkeep}.items()}
    return {**processes.importable(), **own}
