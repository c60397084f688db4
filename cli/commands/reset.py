"""`logpond reset`: topic, checkpoints and tables deleted together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakehouse.errors import TableError
from lakehouse.ingest.queries import STREAMS
from lakehouse.paths import Places, is_url
from lakehouse.store import objects, table_or_none
from lakehouse.tables.catalog import TABLES
from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.runtime.kafka import Topic
    from lakehouse.settings import Settings


@dataclass(frozen=True)
class Part:
    """A folder or prefix that the programs made, and what it is."""

    what: str
    place: str


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-topic", is_flag=True, help="Its records are then read again.")
@setting("--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [localhost:9092]")
@with_settings
def reset(yes: bool, keep_topic: bool, settings: Settings) -> None:
    """Start over: delete the tables of the lake, their checkpoints, and the records of the topic.

    All of it together, for one without the others is refused at the next start: also what was
    imported, with its copies. The topic itself and its settings stay; it is emptied only if it is
    the one that this lake read. Other files in the folder stay. Refused while a stream runs. Exit 2
    where nobody can be asked and --yes is not given.

    \b
      logpond reset
      logpond reset --yes --lake /data/lake
    """
    from lakehouse.runtime import kafka

    places = Places.of(settings)
    with _at_rest(places):
        found, topic = parts(places), None if keep_topic else _topic(settings, places)
        if found and not yes:
            _ask([part.what for part in found], topic)
        if topic:
            kafka.empty(settings.kafka.bootstrap, topic.name)
        for part in found:
            objects.remove(part.place)
    forget(places)
    echo(f"{places.lake} is empty; `logpond up` starts anew")


@contextmanager
def _at_rest(places: Places) -> Iterator[None]:
    """Nothing runs on the lake, and nothing starts meanwhile; CheckpointError where it does."""
    from lakehouse.errors import CheckpointError
    from lakehouse.ingest.queries import IMPORT, INGEST, MINUTES, UPKEEP
    from lakehouse.runtime import processes

    owner = None if is_url(places.lake) else processes.owner_of(places.broker_process)
    if owner is not None:
        what = f"`logpond up` (process {owner}) runs on {places.lake}"
        raise CheckpointError(what, "stop it first")
    is_there = is_url(places.checkpoints) or Path(places.checkpoints).is_dir()
    with ExitStack() as held:
        for query in (INGEST, MINUTES, UPKEEP, IMPORT) if is_there else ():
            held.enter_context(query.alone(places))
        yield


def _topic(settings: Settings, places: Places) -> Topic | None:
    """The topic that this lake read, if it is in a Kafka of its own, and was not made anew."""
    from lakehouse.ingest.queries import INGEST
    from lakehouse.runtime import kafka
    from lakehouse.runtime.embedded_kafka import embedded

    manifest = INGEST.checkpoint(places).manifest()
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
        echo(f"  {each}", err=True)
    click.confirm("delete all of this?", abort=True, err=True)


def parts(places: Places) -> list[Part]:
    """What is there: tables first, checkpoints last.

    Deleted in this order and cut off, a start says what is missing, and a second time ends it.
    """
    tables = [Part(_rendered(places, name), places.table(name)) for name in TABLES]
    kept = [
        Part("what was imported, with copies of the files", places.raw),
        Part("which offsets have no row, and why", places.absent),
        Part("what the local programs keep", places.state),
    ]
    if not is_url(places.lake):
        kept.append(Part("records of the embedded Kafka", places.broker))
    checkpoints = [
        Part(f"checkpoint {name}", places.checkpoint(name)) for name in _checkpoints(places)
    ]
    return [part for part in (*tables, *kept, *checkpoints) if _is_there(part.place)]


def forget(places: Places) -> None:
    """Remove the folders around them, if they are empty."""
    for place in (places.checkpoints, places.lake):
        is_folder = not is_url(place) and Path(place).is_dir() and not Path(place).is_symlink()
        if is_folder and not any(Path(place).iterdir()):
            Path(place).rmdir()


def _checkpoints(places: Places) -> list[str]:
    """Folders of queries and their ledgers, those put aside too; the folder may hold others'."""
    found = objects.folders(objects.reader(places.checkpoints))
    ledgers = {name.removesuffix(".ledger") for name in found if name.endswith(".ledger")}
    known = ledgers | {query.name for query in STREAMS}
    return [name for name in found if name.split(".")[0] in known]


def _is_there(place: str) -> bool:
    return (
        Path(place).exists() if not is_url(place) else any(objects.written(objects.reader(place)))
    )


def _rendered(places: Places, name: str) -> str:
    try:
        found = table_or_none(places, name)
    except TableError:
        return f"table {name}, which cannot be read"
    return f"table {name}" + (f", {found.count():,} rows" if found else "")
