"""CPU seconds and memory of a process and all below it, read from outside."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import psutil


@dataclass
class Usage:
    """CPU seconds since the start of each process, by kind, and bytes held at once."""

    jvm: float = 0.0
    workers: float = 0.0
    driver: float = 0.0

    @property
    def total(self) -> float:
        """CPU seconds in all."""
        return self.jvm + self.workers + self.driver

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.jvm - other.jvm, self.workers - other.workers, self.driver - other.driver)


@dataclass
class Meter:
    """Watches a process tree; `peak_bytes` is the highest sum of resident memory seen."""

    pid: int
    peak_bytes: int = 0
    _ended: dict[int, tuple[str, float]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Meter:
        """Sample twice a second until `close`."""
        threading.Thread(target=self._sample, daemon=True).start()
        return self

    def close(self) -> None:
        """Stop sampling."""
        self._stop.set()

    def usage(self) -> Usage:
        """CPU seconds so far, processes that ended included."""
        self._look()
        usage = Usage()
        for kind, seconds in self._ended.values():
            setattr(usage, kind, getattr(usage, kind) + seconds)
        return usage

    def _sample(self) -> None:
        while not self._stop.wait(0.5):
            self._look()

    def _look(self) -> None:
        held = 0
        for process in self._tree():
            try:
                times = process.cpu_times()
                kind, spent = self._kind(process), times.user + times.system
                if kind == "jvm":  # the processes that it started and that ended: chmod, readlink
                    spent += times.children_user + times.children_system
                self._ended[process.pid] = (kind, spent)
                held += process.memory_full_info().pss
            except psutil.Error:
                continue
        self.peak_bytes = max(self.peak_bytes, held)

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.Error:
            return []

    def _kind(self, process: psutil.Process) -> str:
        if process.pid == self.pid:
            return "driver"
        return "jvm" if process.name() == "java" else "workers"
