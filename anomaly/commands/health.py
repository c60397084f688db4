"""The command `health` of the anomaly program."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from anomaly.lake.health import ailing
from lakehouse.errors import LogpondError
from lakehouse.terminal.options import with_places

if TYPE_CHECKING:
    from lakehouse.paths import Places


@click.command()
@with_places
@click.option(
    "--within",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How far ingest may be ahead of the last look.",
)
def health(places: Places, within: float) -> None:
    """Say whether detection does its work; the exit code too. For health checks of containers.

    \b
      python -m anomaly health
    """
    why = ailing(places, timedelta(seconds=within))
    if why:
        raise LogpondError(why, "what `detect` printed last says more")
    click.echo("healthy")
