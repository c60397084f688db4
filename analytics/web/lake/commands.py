"""Runs our own commands as child processes, for answers that take long or need much memory.

`explain` folds all closed minutes, `verify` counts every record, `diff` reads the files of two
versions: none of them may hold the memory of a server that is to stay small, and `analytics` does
not import `anomaly`. The command line is the contract that both have already.
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

TIMEOUT_SECONDS = 300.0
KEPT = 64
LOW_PRIORITY = ("nice", "-n", "10") if sys.platform != "win32" else ()

Key = tuple[tuple[str, ...], int]


@dataclass(frozen=True)
class Result:
    """The JSON that a command printed, and when it was started; `error` where it printed none."""

    at: datetime
    answer: Any = None
    error: str = ""


@dataclass
class Commands:
    """Runs commands on one lake, one at a time, and keeps the newest results."""

    places: Places
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "command"))
    _known: OrderedDict[Key, Future[Result]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, *words: str, version: int = 0, refresh: bool = False) -> Future[Result]:
        """Run `logpond WORDS --format json`, once for each `version` of what it reads.

        With `refresh` a command that has ended is run again.
        """
        key = words, version
        with self._lock:
            known = self._known.get(key)
            if known is None or (refresh and known.done()):
                self._known[key] = known = self._pool.submit(self._run, words)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return known

    def known(self, *words: str) -> Future[Result] | None:
        """The result of a command that was run, or runs; None where nobody asked for it."""
        with self._lock:
            return self._known.get((words, 0))

    def answer(self, *words: str, version: int = 0) -> Any:
        """Wait for the answer of a command; LogpondError in the command's words where none came."""
        result = self.run(*words, version=version).result()
        if result.answer is None:
            what, _, remedy = result.error.partition("\n")
            raise LogpondError(what, remedy.strip())
        return result.answer

    def _run(self, words: Sequence[str]) -> Result:
        at = datetime.now(UTC)
        options = ("--format", "json", "--lake", self.places.lake, "--", *words[1:])
        try:
            done = subprocess.run(
                [*LOW_PRIORITY, sys.executable, "-m", "cli", words[0], *options],
                capture_output=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
                stdin=subprocess.DEVNULL,
                env={**importable(), "LOGPOND_CHECKPOINTS": self.places.checkpoints},
            )
        except subprocess.TimeoutExpired:
            return Result(at, error=f"`logpond {words[0]}` was stopped: it took too long")
        return _parse(at, done)


def _parse(at: datetime, done: subprocess.CompletedProcess[bytes]) -> Result:
    """Read what a command printed. An exit code other than 0 may come with an answer too."""
    try:
        return Result(at, json.loads(done.stdout))
    except ValueError:
        error = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        return Result(at, error=error or f"it ended with {done.returncode}")
