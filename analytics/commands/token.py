"""The command that makes, lists and revokes tokens: token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places

if TYPE_CHECKING:
    from lakehouse.http.tokens import Tokens
    from lakehouse.paths import Places

COLUMNS = ("name", "scope", "time")
SCOPE = click.Choice(("read", "write", "ingest", "metrics"))


@click.group()
def token() -> None:
    """Make, list and revoke tokens, by which programs and people ask this lake's servers.

    A token opens one thing: `read` the pages and their API, `write` these and actions on incidents,
    `metrics` only /metrics, `ingest` sending records. What is kept is its hash, below the lake's
    state: nobody can show it again. A running server knows of a change at once.

    \b
      logpond token create alice
      logpond token create bob --scope write
      logpond token create prometheus --scope metrics
      logpond token list
      logpond token revoke alice
    """


@token.command()
@click.argument("name")
@click.option("--scope", type=SCOPE, default="read", show_default=True, help="What it opens.")
@with_places
def create(places: Places, name: str, scope: str) -> None:
    """Make a token and print it, this once."""
    render.echo(_tokens(places).create(name, scope))


@token.command("list")
@FORMAT
@with_places
def list_(places: Places, how: str) -> None:
    """List the tokens: name, scope, when it was made."""
    found = [
        {"name": one.name, "scope": one.scope, "time": one.created} for one in _tokens(places).all()
    ]
    render.show(render.Rows.of_dicts(found, COLUMNS), how, sys.stdout, HUMANE)


@token.command()
@click.argument("name")
@with_places
def revoke(places: Places, name: str) -> None:
    """Delete a token. From now on it opens nothing, and who signed in with it is signed out."""
    _tokens(places).revoke(name)
    render.echo(f"{name} is revoked")


def _tokens(places: Places) -> Tokens:
    from lakehouse.http.tokens import Tokens

    return Tokens.of(places)
