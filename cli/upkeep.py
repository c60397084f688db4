"""`logpond upkeep`: one pass of what the streaming program does by itself, as a table."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields

import click

from analytics import render
from analytics.options import FORMAT, HUMANE, LAKE
from streaming.upkeep_commands import DRY_RUN, passed


@click.command()
@DRY_RUN
@FORMAT
@LAKE
def upkeep(dry_run: bool, how: str, lake: str | None) -> None:
    """Merge, order, trim and vacuum what is due, once, beside a running stream.

    A running stream does this by itself (`upkeep.every_minutes` in conf/logpond.toml).

    \b
      logpond upkeep --dry-run
      logpond upkeep --format json
    """
    from streaming.upkeep import Done

    done = [asdict(one) for one in passed(lake, dry_run)]
    columns = [f.name for f in fields(Done) if not (dry_run and f.name == "files_after")]
    if how == "table" and not done:
        click.echo("nothing is due")
    else:
        render.show(render.Rows.of_dicts(done, columns), how, sys.stdout, HUMANE)
