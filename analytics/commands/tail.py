"""The command `tail`, and rows of `logs` as lines for a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from lakehouse.paths import Places
from lakehouse.terminal import render as terminal
from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.program import stopped_by_signals
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    import pyarrow as pa

    from analytics.look.tail import EventFilter, Source
    from lakehouse.settings import Settings

INTERRUPTED = 130
COLOURS = {1: "cyan", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


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
    from analytics.look.tail import EventFilter, follow

    names = ("service", "endpoint", "status", "level", "grep")
    events = EventFilter(*(flags[name] for name in names))
    with ExitStack() as opened:
        source, stop = _source(settings, events, flags["origin"], opened), stopped_by_signals()
        if flags["no_follow"]:
            _show(source.history(flags["lines"]), flags["how"])
            return
        for rows in follow(source, flags["lines"], stop):
            _show(rows, flags["how"])
    sys.exit(INTERRUPTED)


def _source(settings: Settings, events: EventFilter, origin: str, opened: ExitStack) -> Source:
    places = Places.of(settings)
    if origin == "lake":
        from analytics.look.tail import LakeTail

        return LakeTail(places, events)
    from analytics.look.tail import KafkaTail
    from lakehouse.decode import Limits
    from lakehouse.runtime.embedded_kafka import bootstrap

    its = settings.ingest
    behind = timedelta(days=its.behind_days) if its.behind_days else None
    limits = Limits(timedelta(minutes=its.ahead_minutes), behind, its.payload_cap)
    source = KafkaTail(bootstrap(places, settings.kafka), settings.kafka.topic, events, limits)
    opened.callback(source.close)
    return source


def _show(rows: pa.Table, how: str) -> None:
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows.to_pylist():
        if how == "json":
            terminal.show_object(row, sys.stdout)
        else:
            click.echo(render(row, is_coloured))
    sys.stdout.flush()


def render(row: Mapping[str, Any], is_coloured: bool) -> str:
    """Render a row as one line without control characters, its status coloured if asked."""
    status = str(row["status_code"])
    parts = [
        f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f}"[:-3],
        click.style(status, fg=COLOURS.get(row["status_code"] // 100)) if is_coloured else status,
        _text(row["level"], 5),
        _text(row["method"], 6),
        _text(row["service"], 10),
        _text(row["path"] or row["endpoint"], 40),
        _milliseconds(row["response_time"]),
        _text(row["ip"], 15),
        _text(row["user"]),
    ]
    return "  ".join(parts).rstrip()


def _text(value: str | None, width: int = 0) -> str:
    return escaped(value or "-").ljust(width)


def _milliseconds(value: float | None) -> str:
    return ("-" if value is None else f"{value:,.0f} ms").rjust(9)
