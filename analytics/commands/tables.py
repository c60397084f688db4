"""Commands that list tables and their history, and the completion of table names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, given, with_places
from lakehouse.terminal.render import echo
from lakehouse.terminal.times import rendered

if TYPE_CHECKING:
    from lakehouse.paths import Places


def table_names(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Completes table names for a shell: existing tables, or else all that may exist."""
    from lakehouse.paths import Places
    from lakehouse.query import pinned
    from lakehouse.tables.catalog import TABLES

    there = pinned.names(Places.of(given(ctx)))
    return [name for name in there or TABLES if name.startswith(begun)]


@click.command()
@FORMAT
@with_places
def tables(how: str, places: Places) -> None:
    """List the tables of the lake: rows, files, bytes, version, last commit.

    \b
      logpond tables
      logpond tables --format json
    """
    from analytics.look import history as look

    found = look.overviews(places)
    render.show(render.Rows.of_dicts(look.dicts(found), look.OVERVIEW), how, sys.stdout, HUMANE)


@click.command()
@click.argument("table", shell_complete=table_names)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@FORMAT
@with_places
def history(table: str, limit: int, how: str, places: Places) -> None:
    """Show the newest versions of a table: when, by whom, and how many rows each added.

    \b
      logpond history logs
      logpond history logs --limit 1000 --format json
    """
    from analytics.look import history as look

    found = look.versions(places, table, limit)
    humane = {**HUMANE, "time": rendered}
    render.show(render.Rows.of_dicts(look.dicts(found), look.VERSION), how, sys.stdout, humane)
    if how == "table":
        echo(f"oldest version still readable: {look.oldest(places, table)}")
