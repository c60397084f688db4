"""The command `tail`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from lakehouse.paths import Places
from lakehouse.terminal.options import setting, with_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from analytics.look.tail import Source, Wanted
    from lakehouse.settings import Settings

INTERRUPTED = 130


@click.command()
@click.option("--service", default="", help="Of this service.")
@click.option("--endpoint", default="", help="Of this endpoint (the route template).")
@click.option("--status", default="", metavar="5xx|404", help="Of this status, or class of it.")
@click.option("--level", default="", help="Of this level.")
@click.option("--grep", default="", metavar="REGEX", help="With this in any of its texts.")
@click.option(
    "--lines",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="N",
    help="Begin with the last N that fit.",
)
@click.option("--no-follow", is_flag=True, help="Only those.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(("lake", "kafka")),
    default="lake",
    show_default=True,
    help="Rows of logs, or records as they come in.",
)
@click.option(
    "--format",
    "how",
    type=click.Choice(("line", "json")),
    default="line",
    show_default=True,
    help="json is an object a line.",
)
@setting("--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka, for --from kafka.")
@setting("--topic", "kafka_topic", help="The topic, for --from kafka. [web-logs]")
@with_settings
def tail(settings: Settings, **flags: Any) -> None:
    """Show log events as they come, filtered; Ctrl-C ends it (exit code 130).

    Only files that new commits added are read. Colours are for a terminal only.

    \b
      logpond tail
      logpond tail --status 5xx --service payments --lines 50
      logpond tail --grep "item-4[0-9]+" --format json
      logpond tail --from kafka --lines 0
    """
    from analytics.look.tail import Wanted, follow

    names = ("service", "endpoint", "status", "level", "grep")
    wanted = Wanted(*(flags[name] for name in names))
    with ExitStack() as opened:
        source, stop = _source(settings, wanted, flags["origin"], opened), _stopped()
        if flags["no_follow"]:
            _show(source.history(flags["lines"]), flags["how"])
            return
        for rows in follow(source, flags["lines"], stop):
            _show(rows, flags["how"])
    sys.exit(INTERRUPTED)


def _source(settings: Settings, wanted: Wanted, origin: str, opened: ExitStack) -> Source:
    places = Places.of(settings)
    if origin == "lake":
        from analytics.look.tail import LakeTail

        return LakeTail(places, wanted)
    from analytics.look.tail_kafka import KafkaTail
    from lakehouse.decode import Limits
    from lakehouse.runtime.embedded_kafka import bootstrap

    its = settings.ingest
    behind = timedelta(days=its.behind_days) if its.behind_days else None
    limits = Limits(timedelta(minutes=its.ahead_minutes), behind, its.payload_cap)
    source = KafkaTail(bootstrap(places, settings.kafka), settings.kafka.topic, wanted, limits)
    opened.callback(source.close)
    return source


def _stopped() -> threading.Event:
    """Set by Ctrl-C and SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _show(rows: pa.Table, how: str) -> None:
    from analytics.look.event_lines import line
    from lakehouse.terminal import render

    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows.to_pylist():
        if how == "json":
            render.show_object(row, sys.stdout)
        else:
            click.echo(line(row, is_coloured))
    sys.stdout.flush()
