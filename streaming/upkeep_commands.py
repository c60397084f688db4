"""`python -m streaming upkeep`: one pass over all tables, one line for each thing done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import msgspec

from lakehouse import settings as settings_file
from lakehouse.paths import Places

if TYPE_CHECKING:
    from streaming.upkeep import Done

LAKE = click.option("--lake", metavar="DIR|URL", help="Where the tables are. [env: LOGPOND_LAKE]")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Only say what is due.")


@click.command()
@LAKE
@DRY_RUN
@click.option("--format", "how", type=click.Choice(("text", "json")), default="text",
              show_default=True, help="json is one object a line.")  # fmt: skip
@click.option("--nice", type=int, default=0, help="Give way to others, up to 19.")
def upkeep(lake: str | None, dry_run: bool, how: str, nice: int) -> None:
    """Merge, order, trim and vacuum what is due, once, beside a running stream.

    \b
      python -m streaming upkeep --dry-run
    """
    os.nice(nice)
    for done in passed(lake, dry_run):
        click.echo(msgspec.json.encode(asdict(done)).decode() if how == "json" else line(done))


def passed(lake: str | None, dry_run: bool) -> Iterator[Done]:
    """One pass over the tables of a lake. Raises CheckpointError where another one runs."""
    from lakehouse.lock import alone
    from lakehouse.tables import TABLES
    from streaming.upkeep import Pass
    from streaming.upkeep_ledger import QUERY

    settings = settings_file.load(lake=lake)
    places = Places.of(settings)
    with alone(places.ledger(QUERY), "upkeep"):
        yield from Pass(places, settings.upkeep, tuple(TABLES.values()), dry_run)()


def line(done: Done) -> str:
    """One thing done, for a log."""
    after = "" if done.files_after is None else f" -> {done.files_after:,}"
    files = f"{done.files_before:,}{after} files" if done.files_before else ""
    size = f"{done.bytes / 1e6:,.1f} MB" if done.bytes else ""
    told = (done.table, done.what, done.partition, files, size, done.note)
    return "  ".join(filter(None, told))
