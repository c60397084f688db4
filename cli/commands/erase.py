"""`logpond erase`: takes all that a lake holds of a person out of it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lakehouse.errors import SettingsError
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, with_places
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.erasure.erase import Place
    from lakehouse.paths import Places

COLUMNS = ("place", "count", "what")
HUMANE = {"count": "{:,}".format}
OUTSIDE = """\
outside this lake, and as it was: records in Kafka, until the topic's retention takes them; what
  receivers of alerts were sent; files that were imported, logs of the programs that sent records,
  backups. What Kafka or the same file still has does not come back here by itself"""


@click.command()
@click.option("--user", "users", multiple=True, metavar="NAME", help="Of this user; repeatable.")
@click.option("--ip", "addresses", multiple=True, metavar="ADDRESS", help="Or a network.")
@click.option("--where", default="", metavar="QUERY", help="Rows of logs that fit a query.")
@click.option("--dry-run", is_flag=True, help="Only say what is there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@FORMAT
@with_places
def erase(
    users: tuple[str, ...],
    addresses: tuple[str, ...],
    where: str,
    dry_run: bool,
    yes: bool,
    how: str,
    places: Places,
) -> None:
    """Erase what the lake holds of a person: rows, older versions, and texts that repeat them.

    A user or an address is looked for in every field and text, as a word of its own, an address in
    whichever spelling; --where
    takes a query as `logpond sql --where` does, and knows rows of logs alone. What is there is
    shown first, place by place; then you are asked. Rows are deleted from logs and quarantine,
    windows counted again without them, incidents stay without the name, and files of older
    versions are deleted at once: those versions can no longer be read. Offsets of what is erased
    are noted, so that `logpond verify` counts them and nothing brings them back.

    It runs beside a stream. If it is killed, call it again. docs/privacy.md says which places it
    knows.

    \b
    exit 0  nothing of it is left      1  something is: a program holds it, or it came meanwhile

    \b
      logpond erase --user ann --dry-run
      logpond erase --user ann --ip 192.0.2.7
      logpond erase --where 'service:shop user:ann' --yes
    """
    from cli.erasers import OTHERS
    from lakehouse.erasure.erase import Erasure
    from lakehouse.erasure.request import Request

    erasure = Erasure(places, Request(users, addresses, where), OTHERS, _progress)
    if dry_run or not yes:
        found = erasure.found()
        _show(found, how)
        if dry_run or not (found or erasure.is_begun()):
            return
        _ask()
    done = erasure()
    left = erasure.found()
    if yes:
        _show(done, how)
    if how == "table":
        echo(_rendered(done, left))
    sys.exit(1 if left else 0)


def _show(found: list[Place], how: str) -> None:
    rows = [asdict(each) for each in found]
    if rows or how != "table":
        render.show(render.Rows.of_dicts(rows, COLUMNS), how, sys.stdout, HUMANE)
    else:
        echo("nothing of it is there")


def _ask() -> None:
    if not sys.stdin.isatty():
        raise SettingsError("nobody is here to answer", "give --yes if it is meant")
    click.confirm("erase all of this for good?", abort=True, err=True)


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        echo(f"done: {step}", err=True)


def _rendered(done: list[Place], left: list[Place]) -> str:
    rest = "; ".join(f"{each.place}: {each.count:,} {each.what}" for each in left)
    head = "erased; nothing of it is left" if done else "nothing of it is there"
    if rest:
        head = f"erased, but for what a program holds or what came meanwhile: {rest}\n  call again"
    return f"{head}\n{OUTSIDE}"
