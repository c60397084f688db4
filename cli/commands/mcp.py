"""`logpond mcp`: the lake for an agent, over standard input and output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from lakehouse.terminal.options import with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@with_settings
def mcp(settings: Settings) -> None:
    """Serve tables, SQL at any time, search, incidents and patterns to an agent: it only reads.

    The agent starts it, and speaks the Model Context Protocol with it over standard input and
    output until it closes them. Answers are bounded; docs/python.md lists the tools.

    \b
      {"mcpServers": {"logpond": {"command": "logpond", "args": ["mcp", "--lake", "/data/lake"]}}}
    """
    from logpond.agents import server
    from logpond.lake import Lake

    lake = Lake(settings, may_name_files=False)
    if sys.stdin.isatty():
        words = {"command": "logpond", "args": ["mcp", "--lake", lake.location]}
        echo("waits for an agent on standard input; tell one to start it so:", err=True)
        echo(json.dumps({"mcpServers": {"logpond": words}}), err=True)
    server(lake).run()
