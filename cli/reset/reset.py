"""`logpond reset`: topic, checkpoints and tables deleted together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakehouse.terminal.options import LAKE

if TYPE_CHECKING:
    from lakehouse.paths import Places
    from lakehouse.runtime.kafka import Topic
    from lakehouse.settings import Settings

RUNNERS = ("ingest", "minutes", "upkeep", "import")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-topic", is_flag=True, help="Its records are then read again.")
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka. [localhost:9092]")
@LAKE
def reset(yes: bool, keep_topic: bool, bootstrap: str | None, lake: str | None) -> None:
    """Start over: delete the tables of the lake, their checkpoints, and the records of the topic.

    All of it together, for one without the others is refused at the next start: also what was
    imported, with its copies. The topic itself and its settings stay; it is emptied only if it is
    the one that this lake read. Other files in the folder stay. Refused while a stream runs. Exit 2
    where nobody can be asked and --yes is not given.

    \b
      logpond reset
      logpond reset --yes --lake /data/lake
    """
    from cli.reset import lake_parts
    from lakehouse import settings as settings_file
    from lakehouse.paths import Places
    from lakehouse.runtime import kafka
    from lakehouse.store import objects

    settings = settings_file.load(lake=lake, kafka_bootstrap=bootstrap)
    places = Places.of(settings)
    with _at_rest(places):
        parts, topic = lake_parts.parts(places), None if keep_topic else _topic(settings, places)
        if parts and not yes:
            _ask([part.what for part in parts], topic)
        if topic:
            kafka.empty(settings.kafka.bootstrap, topic.name)
        for part in parts:
            objects.remove(part.place)
    lake_parts.forget(places)
    click.echo(f"{places.lake} is empty; `logpond up` starts anew")


@contextmanager
def _at_rest(places: Places) -> Iterator[None]:
    """Nothing runs on the lake, and nothing starts meanwhile; CheckpointError where it does."""
    from lakehouse.errors import CheckpointError
    from lakehouse.paths import is_url
    from lakehouse.runtime import processes
    from lakehouse.store.lock import alone

    owner = None if is_url(places.lake) else processes.owner_of(Path(places.broker) / "broker.pid")
    if owner is not None:
        what = f"`logpond up` (process {owner}) runs on {places.lake}"
        raise CheckpointError(what, "stop it first")
    is_there = is_url(places.checkpoints) or Path(places.checkpoints).is_dir()
    with ExitStack() as held:
        for query in RUNNERS if is_there else ():
            held.enter_context(alone(places.ledger(query), query))
        yield


def _topic(settings: Settings, places: Places) -> Topic | None:
    """The topic that this lake read, if it is in a Kafka of its own, and was not made anew."""
    from lakehouse.ingest.checkpoint import Checkpoint
    from lakehouse.runtime import kafka
    from lakehouse.runtime.embedded_kafka import embedded

    manifest = Checkpoint(places, "ingest").manifest()
    if manifest is None or embedded(places):
        return None
    kafka.expect(settings.kafka.bootstrap)
    found = kafka.describe(settings.kafka.bootstrap, manifest.topic)
    return found if found.id == manifest.topic_id else None


def _ask(what: list[str], topic: Topic | None) -> None:
    from lakehouse.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError("nobody is here to answer", "give --yes if it is meant")
    for each in [*what, *([f"records of the topic {topic.name}"] if topic else [])]:
        click.echo(f"  {each}", err=True)
    click.confirm("delete all of this?", abort=True, err=True)
