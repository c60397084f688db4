"""The figures of a run: a table for each part, and one JSON file that grows with them."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
Figures = dict[str, float]
CPU = re.compile(r"model name\s*:\s*(.+)")


@dataclass
class Run:
    """One run of parts, on one machine; `suffix` is for the name of its file.

    A part that fails is said, and the others go on.
    """

    suffix: str = ""
    found: dict[str, Figures] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self._machine = machine()
        click.echo(", ".join(f"{name} {value}" for name, value in self._machine.items()))

    def part(self, name: str, measure: Callable[[], Figures]) -> Figures:
        """Measures a part, shows and keeps its figures. Returns them: none where it failed."""
        began, busy = time.monotonic(), os.getloadavg()[0]
        try:
            figures = measure()
        except Exception:
            traceback.print_exc()
            self.failed.append(name)
            self._save()
            return {}
        self.tell(name, figures, f"{time.monotonic() - began:.0f} s, load {busy:.1f} before it")
        return figures

    def tell(self, name: str, figures: Figures, how: str = "") -> None:
        """Shows and keeps the figures of a part, and says of the run `how` it was measured."""
        self.found[name] = figures
        click.echo(f"{name} ({how})" if how else name)
        table = Table(show_header=False)
        for figure, value in figures.items():
            table.add_row(figure, f"{value:,.2f}")
        Console().print(table)
        self._save()

    def end(self) -> None:
        """Says where the figures are. Raises ClickException where a part failed."""
        click.echo(f"saved {self._file()}")
        if self.failed:
            raise click.ClickException(f"not measured: {', '.join(self.failed)}")

    def _file(self) -> Path:
        return RESULTS / f"{self.began:%Y%m%dT%H%M%S}{self.suffix}.json"

    def _save(self) -> None:
        RESULTS.mkdir(exist_ok=True)
        load = [round(load, 1) for load in os.getloadavg()]
        whole = {
            "began": self.began.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "machine": {**self._machine, "load at the end": load},
            "failed": self.failed,
            "figures": self.found,
        }
        self._file().write_text(json.dumps(whole, indent=2))


def machine() -> dict[str, str | int | float]:
    """Returns what figures depend on: processor, memory, versions, load, and the commit."""
    cpu = CPU.search(Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else None
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": cpu[1] if cpu else platform.processor() or platform.machine(),
        "cores": psutil.cpu_count() or 0,
        "memory GB": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "commit": _commit(),
    }


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"
