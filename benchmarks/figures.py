"""How figures are shown, a table for each part, and kept, a JSON file for each run."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
Figures = dict[str, dict[str, float]]


def tell(found: Figures, name: str, figures: dict[str, float]) -> None:
    """Adds the figures of a part to those of the run, and prints them."""
    found[name] = figures
    table = Table(title=name, title_justify="left", show_header=False)
    for figure, value in figures.items():
        table.add_row(figure, f"{value:,.2f}")
    Console().print(table)


def save(found: Figures, suffix: str = "") -> None:
    """Writes the figures of a run, with the machine, and its load at the end."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {
        "cores": psutil.cpu_count(),
        "python": platform.python_version(),
        "load": [round(load, 1) for load in os.getloadavg()],
    }
    path = RESULTS / f"{now:%Y%m%dT%H%M%S}{suffix}.json"
    path.write_text(
        json.dumps({"at": now.isoformat(), "machine": machine, "figures": found}, indent=2)
    )
    click.echo(f"saved {path}")
