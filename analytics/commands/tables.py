"""Commands that list tables, their versions and names for these; completion of table names."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from lakehouse.runtime import rights
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, given, with_places
from lakehouse.terminal.render import echo
from lakehouse.terminal.times import rendered

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from lakehouse.paths import Places

TAGS = ("name", "table", "version", "time", "who", "made", "note")


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
    """Show the newest versions of a table: when, what was done, rows that each added, its names.

    Of `logs` and `quarantine`, versions of before the log are those of the ledger of commits, which
    is said. Older versions that have a name follow. JSON and csv have the ids of who wrote them
    too.

    \b
      logpond history logs
      logpond history logs --limit 1000 --format json
    """
    from analytics.look import history as look

    found = look.versions(places, table, limit)
    humane = {**HUMANE, "time": rendered}
    columns = look.SHOWN if how == "table" else look.VERSION
    render.show(render.Rows.of_dicts(look.dicts(found), columns), how, sys.stdout, humane)
    if how == "table":
        echo(f"oldest version still readable: {look.oldest(places, table)}")


@click.command()
@click.argument("table", required=False, shell_complete=table_names)
@click.argument("name", required=False)
@click.option("--version", metavar="N|NAME", help="Name this version.  [the newest]")
@click.option("--as-of", metavar="TIME|NAME", help="Name the version of that time.")
@click.option("--note", default="", help="What others should know of it.")
@click.option("--delete", is_flag=True, help="Take the name away; its version may go then.")
@FORMAT
@with_places
def tag(
    table: str | None,
    name: str | None,
    version: str | None,
    as_of: str | None,
    note: str,
    delete: bool,
    how: str,
    places: Places,
) -> None:
    """Give a version of a table a name, which stands wherever a version does; or list the names.

    A version with a name stays readable: upkeep, vacuum, retain and the log's trimming keep what it
    needs until the name is deleted. That may be many files, once they are merged or their rows are
    deleted. Without NAME the names of a table are listed, without TABLE all.

    \b
      logpond tag logs before-deploy --note "release 1.4"
      logpond tag logs monday --as-of 2026-11-30
      logpond sql "SELECT COUNT(*) FROM logs" --version before-deploy
      logpond tag logs
      logpond tag logs before-deploy --delete
    """
    from lakehouse.store.tags.naming import name_version
    from lakehouse.store.tags.tags import Tags

    tags = Tags(places)
    if delete and not name:
        raise click.UsageError("--delete takes away one name: logpond tag TABLE NAME --delete")
    if table is None or name is None:
        found = tags.all() if table is None else tags.of(table)
        rows = [[getattr(one, column) for column in TAGS] for one in found]
        times = dict.fromkeys(("time", "made"), rendered)
        render.show(render.Rows(TAGS, rows), how, sys.stdout, times)
    elif delete:
        if not tags.delete(table, name):
            raise tags.absent(table, name)
        echo(f"{name} is no name of a version of {table} any more: upkeep may delete what it kept")
    else:
        at = _opened(places, table, version, as_of)
        kept = name_version(places, table, name, at, rights.own_user(), note)
        echo(f"version {kept.version} of {table} is {name}; what it needs is kept until --delete")


def _opened(places: Places, table: str, version: str | None, as_of: str | None) -> DeltaTable:
    """Opens a table at the version that is to have a name."""
    from lakehouse.query import pinned
    from lakehouse.terminal.times import moment

    if table not in pinned.names(places):
        raise pinned.absent(places, table)
    return pinned.nameable(places, table, moment(version, as_of, datetime.now(UTC)))
