"""Phase 1: a process a file, as many at once as there are cores; one that fails stops no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from batch.jobs.tree import usable_cores
from batch.jobs.watch_time.options import FileTask, Options
from batch.jobs.watch_time.workspace import Input, Note
from lakehouse.runtime import processes

PROGRAM = (sys.executable, "-m", "batch.jobs.watch_time")


class Failure(NamedTuple):
    """A file that gave nothing, and why."""

    file: str
    reason: str


Result = Note | Failure


@dataclass
class Pool:
    """Runs phase 1 of files; a process that is killed takes its own file with it, no other."""

    options: Options
    recipe: str
    _running: set[processes.Child] = field(default_factory=set)

    def run(self, files: Iterable[Input]) -> Iterator[Result]:
        """The result of each file as it is done. Left early, it ends what runs."""
        with ThreadPoolExecutor(self.options.workers) as threads:
            waiting: list[Future[Result]] = [threads.submit(self._clean, one) for one in files]
            try:
                yield from (done.result() for done in as_completed(waiting))
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
                for child in [*self._running]:
                    processes.end(child)

    def _clean(self, one: Input) -> Result:
        child = processes.spawn(
            [*PROGRAM, self._task(one)], subprocess.DEVNULL, subprocess.PIPE, self._environment()
        )
        self._running.add(child)
        _, errors = child.communicate()
        self._running.discard(child)
        note = self.options.work.note(one, self.recipe) if child.returncode == 0 else None
        return note or Failure(one.name, _reason(child.returncode, errors.decode(errors="replace")))

    def _task(self, one: Input) -> str:
        task = FileTask(
            path=str(one.path),
            root=str(self.options.source),
            work=str(self.options.work.root),
            regions=str(self.options.regions),
            recipe=self.recipe,
        )
        return msgspec.json.encode(task).decode()

    def _environment(self) -> dict[str, str]:
        """Each has its share of the cores; more threads would only take memory."""
        threads = max(1, usable_cores() // self.options.workers)
        return {**processes.importable(), "POLARS_MAX_THREADS": str(threads)}


def _reason(code: int, errors: str) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was killed ({name}): the system kills what takes too much memory"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    if code == 1 and lines and "Traceback" not in errors:
        return lines[0]
    return f"its process ended with code {code}: {lines[-1] if lines else os.strerror(0)}"
