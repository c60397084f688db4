"""`python -m streaming health`: whether ingest does its work, asked from outside its process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from lakehouse.errors import LogpondError
from lakehouse.ingest.lag import count, unread_offsets
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.terminal.options import with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@with_settings
@click.option(
    "--within",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How recently a batch must have ended, if records wait.",
)
def health(settings: Settings, within: float) -> None:
    """Say whether the stream does its work; the exit code too. For health checks of containers.

    \b
      python -m streaming health
      python -m streaming health --within 120
    """
    fault = unhealthy(Places.of(settings), Connection.of(settings.kafka), timedelta(seconds=within))
    if fault:
        raise LogpondError(fault, "what the stream printed last says more")
    echo("healthy")


def unhealthy(places: Places, connection: Connection, patience: timedelta) -> str | None:
    """Returns why ingest is unhealthy: records wait, and no batch ended for `patience`; or None.

    Kafka is asked only if no batch ended recently; raises BrokerError where it does not answer.
    """
    checkpoint = INGEST.checkpoint(places)
    manifest, ended = checkpoint.manifest(), checkpoint.ended()
    if manifest is None:
        return "ingest was not started yet"
    if ended and datetime.now(UTC) - ended < patience:
        return None
    kafka.expect(connection)
    waiting = count(unread_offsets(places, connection, manifest.topics))
    if not waiting:
        return None
    last = f"the last batch ended at {ended:%H:%M:%S} UTC" if ended else "no batch ended yet"
    return f"{last}, and {waiting:,} records wait"
