"""`logpond upkeep`: one pass over all tables, by hand or by the schedule of a running stream."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what is due.")
@click.option("--nice", type=int, default=0, help="Give way to others, up to 19.")
@FORMAT
@with_settings
def upkeep(dry_run: bool, nice: int, how: str, settings: Settings) -> None:
    """Count late rows; merge, order, trim and vacuum what is due, once, beside a running stream.

    A running stream does this by itself (`upkeep.every_minutes` in conf/logpond.toml).

    \b
      logpond upkeep --dry-run
      logpond upkeep --format json
    """
    from lakehouse.ingest.queries import UPKEEP
    from lakehouse.tables.catalog import TABLES
    from streaming.upkeep.upkeep import Done, Pass

    os.nice(nice)
    places, tables = Places.of(settings), tuple(TABLES.values())
    with nullcontext(places) if dry_run else UPKEEP.alone(places) as fenced:
        passing = Pass(
            fenced, settings.upkeep, tables, dry_run=dry_run, retention=settings.retention
        )
        done = [asdict(one) for one in passing()]
    columns = [f.name for f in fields(Done) if not (dry_run and f.name == "files_after")]
    if how == "table" and not done:
        echo("nothing is due")
    else:
        render.show(render.Rows.of_dicts(done, columns), how, sys.stdout, HUMANE)
