"""What the job is told, as values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from analytics.jobs.watch_time import regions
from analytics.jobs.watch_time.outputs import Outputs
from lakehouse.settings import Settings


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
            told.workers or cores(),
        )


def cores() -> int:
    """Cores that this process may use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(usable) or os.cpu_count() or 1
