"""What `watch-time` is asked to do, and how many files it cleans at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from batch.jobs.exchange import LOCAL, Exchange
from batch.jobs.tree import usable_cores
from batch.jobs.watch_time.workspace import Workspace

# What a process of phase 1 takes at most, with some room.
PROCESS_BYTES = 600 << 20
# What a container may take; `max` where it is all of the machine's.
LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Options:
    """Files of `source` are cleaned into `work` by `workers` processes; totals go to `output`.

    `regions` is the table of which address belongs to which region. What Spark reads and writes
    goes by `exchange`.
    """

    source: Path
    output: Path
    work: Workspace
    regions: Path
    workers: int
    exchange: Exchange = LOCAL


class FileTask(msgspec.Struct, frozen=True):
    """One file to clean, as its process gets it: by which table and rules, and where to."""

    path: str
    root: str
    work: str
    regions: str
    recipe: str


def fitting_workers() -> int:
    """One process a core, as far as there is memory for them; at least one."""
    return max(1, min(usable_cores(), _available_bytes() // PROCESS_BYTES))


def _available_bytes() -> int:
    free: int = psutil.virtual_memory().available
    try:
        return min(free, int(LIMIT.read_text()))
    except (OSError, ValueError):
        return free
