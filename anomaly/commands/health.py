"""The command `health` of the anomaly program."""

from __future__ import annotations

from datetime import timedelta

import click

from anomaly.lake.health import ailing
from lakehouse import settings as settings_file
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.terminal.options import LAKE


@click.command()
@LAKE
@click.option(
    "--within",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How far ingest may be ahead of the last look.",
)
def health(lake: str | None, within: float) -> None:
    """Say whether detection does its work; the exit code too. For health checks of containers.

    \b
      python -m anomaly health
    """
    why = ailing(Places.of(settings_file.load(lake=lake)), timedelta(seconds=within))
    if why:
        raise LogpondError(why, "what `detect` printed last says more")
    click.echo("healthy")
