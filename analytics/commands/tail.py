"""The command `tail`, which prints rows of `logs` as lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
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
MOST_LINES = 30
LEVELS = {
    "TRACE": "bright_black",
    "DEBUG": "bright_black",
    "INFO": "green",
    "WARN": "yellow",
    "ERROR": "red",
    "FATAL": "magenta",
}
COLOURS = {1: "cyan", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


@click.command()
@click.argument("query", default="")
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

    QUERY is in the query language of Explore (docs/search.md). Only files that new commits added
    are read. Colours are for a terminal only.

    \b
      logpond tail
      logpond tail 'service:cart level:>=warn -status:200 "timed out"'
      logpond tail --status 5xx --service payments --lines 50
      logpond tail --grep "item-4[0-9]+" --format json
      logpond tail --from kafka --lines 0
    """
    from analytics.look.tail import EventFilter, follow

    names = ("service", "endpoint", "status", "level", "grep", "query")
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
    from lakehouse.runtime.embedded_kafka import connection
    from lakehouse.schemas.asked import asked
    from lakehouse.sources import sources_of
    from lakehouse.sources.limits import limits

    topic, where = settings.kafka.topic, connection(places, settings.kafka)
    reading = sources_of(settings).reading(topic)
    source = KafkaTail(where, topic, events, limits(settings), reading)
    opened.callback(source.close)
    opened.enter_context(asked(settings.registry))
    return source


def _show(rows: pa.Table, how: str) -> None:
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows.to_pylist(maps_as_pydicts="lossy"):
        if how == "json":
            terminal.show_object(row, sys.stdout)
        else:
            click.echo(render(row, is_coloured))
    sys.stdout.flush()


def render(row: Mapping[str, Any], is_coloured: bool) -> str:
    """Render a row without control characters: what it says, its request, its stack trace.

    One line; a stack trace has one for each of its own. Colours, if asked, are of the level and
    of the status.
    """
    message = [escaped(row["message"])] if row["message"] else []
    parts = [
        f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f}"[:-3],
        _coloured(_text(row["level"], 5), LEVELS.get((row["level"] or "").upper()), is_coloured),
        _text(row["service"], 10),
        *message,
        *(_request(row, is_coloured) if row["status_code"] or not message else ()),
    ]
    return "\n".join(["  ".join(parts).rstrip(), *_trace(row["exception"])])


def _request(row: Mapping[str, Any], is_coloured: bool) -> list[str]:
    status = row["status_code"]
    return [
        _coloured(_text(status and str(status)), COLOURS.get((status or 0) // 100), is_coloured),
        _text(row["method"], 6),
        _text(row["path"] or row["endpoint"], 40),
        _milliseconds(row["response_time"]),
        _text(row["ip"], 15),
        _text(row["user"]),
    ]


def _trace(exception: str | None) -> list[str]:
    lines = (exception or "").expandtabs(4).splitlines()
    shown = [f"    {escaped(line)}" for line in lines[:MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"    ... {left} more lines"] if left else shown


def _coloured(text: str, colour: str | None, is_coloured: bool) -> str:
    return click.style(text, fg=colour) if is_coloured and colour else text


def _text(value: str | None, width: int = 0) -> str:
    return escaped(value or "-").ljust(width)


def _milliseconds(value: float | None) -> str:
    return ("-" if value is None else f"{value:,.0f} ms").rjust(9)
