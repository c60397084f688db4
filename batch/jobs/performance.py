"""How a job performed: the machine once, then each phase with what it cost."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import psutil

from batch.jobs import tree
from lakehouse.terminal import render
from lakehouse.terminal.options import HUMANE
from lakehouse.terminal.render import escaped

COLUMNS = (
    "phase",
    "seconds",
    "rows",
    "rows_per_second",
    "bytes",
    "cpu_seconds",
    "cpu_percent",
    "peak_bytes",
    "read_bytes",
    "written_bytes",
    "reads",
    "writes",
)
TOTAL = "in all"
SUMMED = ("seconds", "cpu_seconds", "read_bytes", "written_bytes", "reads", "writes")
CPU_INFO = Path("/proc/cpuinfo")
MODEL = re.compile(r"^(?:model name|Processor|cpu model)\s*:\s*(.+)$", re.MULTILINE)


def _size(value: float | None) -> str:
    return "" if value is None else HUMANE["bytes"](value)


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


READS_AS = {
    "seconds": "{:,.2f}".format,
    "rows": _whole,
    "rows_per_second": _whole,
    "bytes": _size,
    "cpu_seconds": "{:,.2f}".format,
    "cpu_percent": "{:,.0f}".format,
    "peak_bytes": _size,
    "read_bytes": _size,
    "written_bytes": _size,
    "reads": _whole,
    "writes": _whole,
}


@dataclass
class Phase:
    """A part of a job. The job sets `rows` and `bytes` (of its data); the rest is measured.

    Seconds are of the clock; `cpu_seconds`, `peak_bytes` (resident), `read_bytes` and
    `written_bytes`, by so many `reads` and `writes` (system calls, cached or not), are of this
    process and all below it.
    """

    name: str
    rows: int | None = None
    bytes: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0

    @property
    def rows_per_second(self) -> float | None:
        """Rows a second; None where no rows were counted."""
        return None if self.rows is None or not self.seconds else self.rows / self.seconds

    @property
    def cpu_percent(self) -> float:
        """Of one core: 200 is two of them all the time."""
        return 100 * self.cpu_seconds / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The columns of the report."""
        return {name: self.name if name == "phase" else getattr(self, name) for name in COLUMNS}


@dataclass
class Performance:
    """Phases one after another, each measured while its block runs.

    performance = Performance()
    with performance.phase("read") as phase:
        phase.rows = read(...)
    performance.show(sys.stderr)
    """

    phases: list[Phase] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """Measures a block; it is noted also where the block fails."""
        phase = Phase(name)
        began, before = time.perf_counter(), tree.used()
        try:
            with tree.peak() as peak:
                yield phase
        finally:
            spent = tree.used() - before
            phase.seconds = time.perf_counter() - began
            phase.cpu_seconds, phase.peak_bytes = spent.cpu, peak.bytes
            phase.read_bytes, phase.written_bytes = spent.read, spent.written
            phase.reads, phase.writes = spent.reads, spent.writes
            self.phases.append(phase)

    @property
    def total(self) -> Phase:
        """All phases as one: sums, and the highest peak; rows and bytes are of the phases alone."""
        sums = {name: sum(getattr(one, name) for one in self.phases) for name in SUMMED}
        peak = max((phase.peak_bytes for phase in self.phases), default=0)
        return Phase(TOTAL, peak_bytes=peak, **sums)

    def as_dict(self) -> dict[str, Any]:
        """System, phases and total as plain values, for JSON."""
        phases = [phase.as_dict() for phase in self.phases]
        return {"system": system(), "phases": phases, "total": self.total.as_dict()}

    def show(self, out: TextIO) -> None:
        """Write the phases and their total as a table for a person."""
        facts = [phase.as_dict() for phase in (*self.phases, self.total)]
        render.show(render.Rows.of_dicts(facts, COLUMNS), "table", out, READS_AS)


def system(*libraries: str) -> dict[str, Any]:
    """The machine: its CPU [MHz], cores, those that this process may use, memory [bytes]; versions.

    What the system does not say of its CPU is None.
    """
    memory = psutil.virtual_memory()
    return {
        "platform": platform.platform(terse=True),
        "cpu": cpu_model(),
        "mhz": cpu_mhz(),
        "cores": psutil.cpu_count(),
        "usable_cores": tree.usable_cores(),
        "memory_bytes": memory.total,
        "available_bytes": memory.available,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }


def cpu_model() -> str | None:
    """The name that the maker gave to the CPU."""
    found = MODEL.search(CPU_INFO.read_text(errors="replace")) if CPU_INFO.exists() else None
    return found[1].strip() if found else platform.processor() or None


def cpu_mhz() -> float | None:
    """The mean of all cores now, or the highest where nobody knows what it is now."""
    with suppress(OSError, NotImplementedError, RuntimeError):
        found = psutil.cpu_freq()
        return round(found.current or found.max, 1) or None if found else None
    return None


def render_machine(*libraries: str) -> str:
    """The machine in one line, for the head of a job."""
    host = system(*libraries)
    versions = ", ".join(f"{name} {host[name]}" for name in ("python", *libraries))
    cpu = escaped(host["cpu"] or "unknown CPU")
    mhz = f" at {host['mhz']:,.0f} MHz" if host["mhz"] else ""
    return (
        f"{host['platform']}, {cpu}{mhz}, {host['usable_cores']} of {host['cores']} cores, "
        f"{_size(host['available_bytes'])} of {_size(host['memory_bytes'])} memory free; {versions}"
    )
