"""Runs our own commands as child processes, for answers that take long or need much memory.

`explain` folds all closed minutes, `verify` counts every record, `diff` reads the files of two
versions: none of them may use the memory of a server that is to stay small, and `analytics` does
not import `anomaly`. The command line is the contract that both already have.
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
from lakehouse.http.asker import Busy, Gone, asker
from lakehouse.paths import Places
from lakehouse.runtime.processes import Child, importable, spawn

TIMEOUT_SECONDS = 300.0
KEPT, MOST_ASKERS = 64, 8
LOW_PRIORITY = ("nice", "-n", "10") if sys.platform != "win32" else ()
ERRORS = {kind.exit_code: kind for kind in LogpondError.__subclasses__()}

Key = tuple[tuple[str, ...], int]


@dataclass(frozen=True)
class Result:
    """The JSON that a command printed, and when it was started; `error` where it printed none."""

    at: datetime
    answer: Any = None
    error: str = ""
    exit_code: int = 0


@dataclass
class Run:
    """A run of a command while `askers` wait for it, and the run `before` that it replaces."""

    before: Run | None = None
    askers: int = 0
    result: Future[Result] = field(default_factory=Future)
    child: Child | None = None
    is_stopped: bool = False

    def stop(self) -> None:
        """Stops it, or keeps it from starting."""
        self.is_stopped = True
        if self.child:
            self.child.kill()


@dataclass
class Commands:
    """Runs commands on one lake, one at a time, and keeps the newest results.

    At most eight requests may wait for one. A command is killed when nobody waits for it any more.
    """

    places: Places
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "command"))
    _known: OrderedDict[Key, Run] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _askers: int = 0

    def run(self, *words: str, version: int = 0, refresh: bool = False) -> Result:
        """Returns the result of `logpond WORDS --format json`, run once for each `version`.

        The first word may be two, as `rule list`.
        `version` is that of what the command reads. With `refresh` a finished command is run again.
        Raises Busy where too many wait.
        """
        key, ended = (words, version), threading.Event()
        run = self._join(key, refresh)
        run.result.add_done_callback(lambda _: ended.set())
        try:
            with asker().calling(ended.set):
                ended.wait()
        finally:
            self._leave(key, run)
        if not run.result.done() or run.result.cancelled():
            raise Gone
        return run.result.result()

    def known(self, *words: str) -> Future[Result] | None:
        """Returns the result of a command that has run, or runs; None where nobody asked for it."""
        with self._lock:
            run = self._known.get((words, 0))
            return run.result if run else None

    def answer(self, *words: str, version: int = 0) -> Any:
        """Returns the answer of a command. Raises LogpondError with its message where it failed."""
        result = self.run(*words, version=version)
        if result.answer is None:
            what, _, remedy = result.error.partition("\n")
            raise ERRORS.get(result.exit_code, LogpondError)(what, remedy.strip())
        return result.answer

    def close(self) -> None:
        """Stops all commands when the server ends; those who wait get an error."""
        # not locked: a signal may come while somebody holds the lock
        for run in [*self._known.values()]:
            run.stop()

    def _join(self, key: Key, refresh: bool) -> Run:
        """Adds a waiting request to a run, which is started if there is none."""
        with self._lock:
            run = self._known.get(key)
            if self._askers >= MOST_ASKERS:
                raise Busy
            if run is None or (refresh and run.result.done()):
                run = self._known[key] = Run(run)
                self._pool.submit(self._work, run, key[0])
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            run.askers += 1
            self._askers += 1
            return run

    def _leave(self, key: Key, run: Run) -> None:
        """Removes a waiting request; the last one stops a run that has not ended."""
        with self._lock:
            run.askers -= 1
            self._askers -= 1
            if run.askers or run.result.done():
                run.before = None
                return
            run.stop()
            if self._known.get(key) is run:
                del self._known[key]
                if run.before:
                    self._known[key] = run.before

    def _work(self, run: Run, words: Sequence[str]) -> None:
        if run.is_stopped:
            run.result.cancel()
            return
        try:
            run.result.set_result(self._result(run, words))
        except Exception as error:
            run.result.set_exception(error)

    def _result(self, run: Run, words: Sequence[str]) -> Result:
        at = datetime.now(UTC)
        child = self._start(run, words)
        try:
            out, err = child.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return Result(at, error=f"`logpond {words[0]}` was stopped: it took too long")
        return _parse(at, out, err, child.returncode)

    def _start(self, run: Run, words: Sequence[str]) -> Child:
        options = ("--format", "json", "--lake", self.places.lake, "--", *words[1:])
        with self._lock:
            run.child = spawn(
                [*LOW_PRIORITY, sys.executable, "-m", "cli", *words[0].split(), *options],
                subprocess.PIPE,
                subprocess.PIPE,
                {**importable(), "LOGPOND_CHECKPOINTS": self.places.checkpoints},
            )
            if run.is_stopped:
                run.child.kill()
            return run.child


def _parse(at: datetime, out: bytes, err: bytes, exit_code: int) -> Result:
    """Parses the output of a command; exit codes other than 0 may have an answer too."""
    try:
        return Result(at, json.loads(out), exit_code=exit_code)
    except ValueError:
        error = err.decode(errors="replace").strip().removeprefix("error: ")
        return Result(at, error=error or f"it ended with {exit_code}", exit_code=exit_code)
