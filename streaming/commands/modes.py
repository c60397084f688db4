"""What `--mode analytics` and `--mode optimize` do: for those who know a program by its modes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click

from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places

REPORTS = (sys.executable, "-m", "analytics", "report", "all")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[FLAGS]...")
def analytics(flags: tuple[str, ...]) -> None:
    """Show every report of the lake: `logpond report all`, whose flags these are.

    \b
      python -m streaming --mode analytics
      python -m streaming --mode analytics --since 24h --engine spark
    """
    from lakehouse.runtime.processes import importable

    done = subprocess.run([*REPORTS, *flags], env=importable(), check=False)
    raise SystemExit(done.returncode)


@click.command()
@FORMAT
@with_places
def optimize(how: str, places: Places) -> None:
    """Merge the small files of every table: `logpond optimize` of each.

    A running stream goes on meanwhile, and does this by itself (`logpond upkeep`).

    \b
      python -m streaming --mode optimize
    """
    rows = [_optimized(places, name) for name in _tables(places)]
    columns = ("table", "files_before", "files", "rows")
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, HUMANE)


def _tables(places: Places) -> list[str]:
    from lakehouse.errors import TableError
    from lakehouse.query import pinned

    names = pinned.names(places)
    if not names:
        raise TableError(f"the lake {places.lake} holds no table yet", pinned.FILL)
    return names


def _optimized(places: Places, name: str) -> dict[str, Any]:
    from lakehouse import maintenance

    done = maintenance.optimize(places, name)
    return {
        "table": name,
        "files_before": done.before.files,
        "files": done.after.files,
        "rows": done.after.rows,
    }
