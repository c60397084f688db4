"""What takes long or much memory runs as a command of ours, in a process of its own.

`explain` folds all closed minutes, `verify` counts every record, `diff` reads the files of two
versions: none of them may hold the memory of a server that is to stay small, and `analytics` does
not import `anomaly`. A command is the contract that both have already.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.runtime.processes import importable

PATIENCE_SECONDS = 300.0
KEPT = 64
OURS = ("nice", "-n", "10") if sys.platform != "win32" else ()


Key = tuple[tuple[str, ...], int]


@dataclass(frozen=True)
class Said:
    """What a command answered, and when it was asked; `error` where it could not."""

    at: datetime
    code: int
    answer: Any = None
    error: str = ""


@dataclass
class Chores:
    """Commands of one lake: one at a time, each answer kept until the command is asked anew."""

    places: Places
    _turns: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "chore"))
    _known: OrderedDict[Key, Future[Said]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, *words: str, of: int = 0, anew: bool = False) -> Future[Said]:
        """`logpond WORDS --format json` on this lake: run once for each state `of` the lake."""
        key = words, of
        with self._lock:
            known = self._known.get(key)
            if known is None or (anew and known.done()):
                self._known[key] = known = self._turns.submit(self._run, words)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return known

    def known(self, *words: str) -> Future[Said] | None:
        """What a command answered, or will; None where nobody asked."""
        with self._lock:
            return self._known.get((words, 0))

    def answer(self, *words: str, of: int = 0) -> Any:
        """The answer, waited for; LogpondError in the command's words where it has none."""
        said = self.ask(*words, of=of).result()
        if said.answer is None:
            what, _, remedy = said.error.partition("\n")
            raise LogpondError(what, remedy.strip())
        return said.answer

    def _run(self, words: Sequence[str]) -> Said:
        at = datetime.now(UTC)
        command = [
            *OURS,
            sys.executable,
            "-m",
            "cli",
            *words[:1],
            "--format",
            "json",
            "--lake",
            self.places.lake,
            "--",
            *words[1:],
        ]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                check=False,
                timeout=PATIENCE_SECONDS,
                stdin=subprocess.DEVNULL,
                env={**importable(), "LOGPOND_CHECKPOINTS": self.places.checkpoints},
            )
        except subprocess.TimeoutExpired:
            return Said(at, -1, error=f"`logpond {words[0]}` was stopped: it took too long")
        return _read(at, done)


def _read(at: datetime, done: subprocess.CompletedProcess[bytes]) -> Said:
    """A command may have an answer and an exit code that says it is not good news."""
    try:
        return Said(at, done.returncode, json.loads(done.stdout))
    except ValueError:
        told = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        return Said(at, done.returncode, error=told or f"it ended with {done.returncode}")
