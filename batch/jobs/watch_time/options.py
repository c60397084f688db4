"""What the job is told, as values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from batch.jobs.watch_time import regions
from batch.jobs.watch_time.outputs import Outputs
from lakehouse.settings import Settings

# What a process of phase 1 takes at most, with some room.
PROCESS_BYTES = 600 << 20
# What a container may take; `max` where it is all of the machine's.
LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Order:
    """Where from, where to, and with what; `workers` files are cleaned at the same time."""

    source: Path
    outputs: Outputs
    regions: Path
    workers: int

    @classmethod
    def of(cls, settings: Settings) -> Order:
        """The order that the settings give; relative folders count from where you stand."""
        told = settings.watch_time
        return cls(
            Path(told.input).expanduser().absolute(),
            Outputs(Path(told.output).expanduser().absolute()),
            Path(told.regions or regions.TABLE).expanduser().absolute(),
            told.workers or fitting(),
        )


def cores() -> int:
    """Cores that this process may use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(usable) or os.cpu_count() or 1


def fitting() -> int:
    """Processes of phase 1 at the same time: one a core, as far as there is memory for them."""
    return max(1, min(cores(), _room() // PROCESS_BYTES))


def _room() -> int:
    free: int = psutil.virtual_memory().available
    try:
        return min(free, int(LIMIT.read_text()))
    except (OSError, ValueError):
        return free
