"""The commands `sources` and `source`: which topics are read, and what becomes of lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lakehouse.errors import SettingsError
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, setting, table_or_json, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from analytics.look.sources import Tried
    from lakehouse.settings import Settings

SOURCES = setting(
    "--sources", "sources", metavar="FILE", help="What is read, and how. [conf/sources.toml]"
)
BOOTSTRAP = setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]"
)
LISTED = ("source", "format", "topic", "state", "lag")


@click.command()
@SOURCES
@BOOTSTRAP
@FORMAT
@with_settings
def sources(settings: Settings, how: str) -> None:
    """List the sources: their topics, their format, and how many records wait.

    \b
    read      ingest reads it
    new       the next start of ingest takes it up, from its first record
    missing   Kafka does not have it; the first start that finds it takes it up
    refused   Kafka refuses the user, its certificate, or what it asks for: the last lines say why
    unknown   Kafka does not answer

    \b
      logpond sources
      logpond sources --sources my-sources.toml --bootstrap kafka:9092
    """
    from analytics.look.sources import topics
    from lakehouse.paths import Places
    from lakehouse.runtime.embedded_kafka import connection
    from lakehouse.sources import sources_of

    places, named = Places.of(settings), sources_of(settings)
    found = [asdict(one) for one in topics(places, connection(places, settings.kafka), named)]
    shown = {**HUMANE, "lag": HUMANE["rows"]}
    render.show(render.Rows.of_dicts(found, LISTED), how, sys.stdout, shown)
    for why in dict.fromkeys(one["why"] for one in found if one["why"]):
        echo(f"\n{why}", err=True)


@click.group()
def source() -> None:
    """Try how a source reads records."""


@source.command("try")
@click.argument("name")
@SOURCES
@click.option(
    "--from",
    "origin",
    type=click.Choice(["stdin", "kafka"]),
    default="stdin",
    show_default=True,
    help="kafka: the newest records of its first topic.",
)
@BOOTSTRAP
@click.option("--lines", "most", type=click.IntRange(1), metavar="N", help="Stop after N records.")
@table_or_json("an object a record")
@with_settings
def try_(settings: Settings, name: str, origin: str, most: int | None, how: str) -> None:
    """Show what becomes of lines on standard input, by a source: rows or rejects. Writes nothing.

    Each record gets the fields that columns take, then what is left over: attributes, and fields
    of another type than their column (misfits). Lines that continue a record are joined with it.

    \b
    exit 0  each record becomes a row     1  some are rejected

    \b
      tail -n 100 app.log | logpond source try app
      echo '{"service": "cart", "msg": "hello"}' | logpond source try app --format json
      logpond source try app --from kafka --bootstrap kafka:9092 --lines 100
    """
    from itertools import islice

    from analytics.look.sources import of_lines, tried
    from lakehouse.schemas.asked import asked
    from lakehouse.sources import sources_of
    from lakehouse.sources.limits import limits

    known = sources_of(settings)
    if name not in known.by_name:
        raise SettingsError(f"there is no source {name}", f"sources: {', '.join(known.by_name)}")
    topic = (*known.topics(name), name)[0]
    reading = known.by_name[name].reading(name, topic)
    lines = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
    given = _newest(settings, topic, most) if origin == "kafka" else of_lines(lines, reading)
    rejects = 0
    with asked(settings.registry):
        for one in islice(tried(given, reading, limits(settings), topic), most):
            rejects += one.becomes == "reject"
            _show(one, how)
    sys.exit(1 if rejects else 0)


def _newest(settings: Settings, topic: str, most: int | None) -> Iterator[tuple[int, bytes]]:
    """Returns the newest records of a topic, numbered; a thousand unless told otherwise."""
    from lakehouse.paths import Places
    from lakehouse.runtime.embedded_kafka import connection
    from lakehouse.runtime.kafka_newest import MOST_RECORDS, newest

    where = connection(Places.of(settings), settings.kafka)
    return enumerate(newest(where, topic, most or MOST_RECORDS), start=1)


def _show(one: Tried, how: str) -> None:
    if how == "json":
        render.show_object(asdict(one), sys.stdout)
        return
    for line in _lines(one):
        echo(line)


def _lines(one: Tried) -> Iterator[str]:
    """Yields a record for a person."""
    if one.becomes == "reject":
        yield f"{one.record:>5}  reject  {one.reason}: {one.detail}"
        return
    yield f"{one.record:>5}  row     {_pairs(one.event)}"
    if one.attributes:
        yield f"{'':>15}left over: {_pairs(one.attributes)}"
    if one.misfits:
        yield f"{'':>15}of another type than their column: {', '.join(one.misfits)}"


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}={render.escaped(str(value))}" for name, value in values.items())
