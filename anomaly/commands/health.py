"""The command `health` of the anomaly program."""

from __future__ import annotations

from datetime import timedelta

import click

from lakehouse.errors import LogpondError
from lakehouse.ingest.queries import INGEST, MINUTES
from lakehouse.paths import Places
from lakehouse.terminal.options import with_places
from lakehouse.terminal.render import echo


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
    echo("healthy")


def ailing(places: Places, patience: timedelta) -> str | None:
    """Returns why detection is not healthy: ingest runs so long without it. None if it is."""
    taken, looked = INGEST.checkpoint(places).ended(), MINUTES.checkpoint(places).ended()
    if taken is None or (looked and taken - looked < patience):
        return None
    last = f"the last look ended at {looked:%H:%M:%S} UTC" if looked else "no look ended yet"
    return f"{last}, the last batch of ingest at {taken:%H:%M:%S} UTC"
