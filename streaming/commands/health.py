"""The command `health` of the streaming program."""

from __future__ import annotations

from datetime import timedelta

import click

from lakehouse import settings as settings_file
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.terminal.options import LAKE
from streaming.health import ailing


@click.command()
@LAKE
@click.option(
    "--within",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How lately a batch must have ended, if records wait.",
)
def health(lake: str | None, within: float) -> None:
    """Say whether the stream does its work; the exit code too. For health checks of containers.

    \b
      python -m streaming health
      python -m streaming health --within 120
    """
    settings = settings_file.load(lake=lake)
    why = ailing(Places.of(settings), settings.kafka.bootstrap, timedelta(seconds=within))
    if why:
        raise LogpondError(why, "what the stream printed last says more")
    click.echo("healthy")
