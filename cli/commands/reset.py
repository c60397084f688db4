"""`logpond reset`: deletes topic records, checkpoints and tables together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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
    from lakehouse.settings import Settings


@dataclass(frozen=True)
class Part:
    """A folder or prefix that the programs made, with a name for it."""

    what: str
    place: str


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-topic", is_flag=True, help="Its records are then read again.")
@setting("--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [localhost:9092]")
@with_settings
def reset(yes: bool, keep_topic: bool, settings: Settings) -> None:
    """Start over: delete the tables of the lake, their checkpoints, and the records of its topics.

    All of it together, for one without the others is refused at the next start: also what was
    imported, with its copies. Topics themselves and their settings stay; emptied are those that
    this lake read. Other files in the folder stay. Refused while a stream runs. Exit 2
    where nobody can be asked and --yes is not given.

    \b
      logpond reset
      logpond reset --yes --lake /data/lake
    """
    from lakehouse.runtime import kafka
    from lakehouse.runtime.kafka_connection import Connection

    places = Places.of(settings)
    with _at_rest(places) as confirm:
        found, topics = parts(places), [] if keep_topic else _topics(settings, places)
        if found and not yes:
            _ask([part.what for part in found], topics)
        for topic in topics:
            confirm()
            kafka.empty(Connection.of(settings.kafka), topic)
        for part in found:
            confirm()
            objects.remove(part.place)
    forget(places)
    echo(f"{places.lake} is empty; `logpond up` starts anew")


@contextmanager
def _at_rest(places: Places) -> Iterator[Callable[[], None]]:
    """Makes sure that nothing runs or starts on the lake meanwhile; raises CheckpointError.

    Gives what raises LeaseError once something may run again: whoever is asked may take hours, and
    a laptop sleeps.
    """
    from lakehouse.errors import CheckpointError
    from lakehouse.ingest.queries import IMPORT, INGEST, MINUTES, UPKEEP
    from lakehouse.runtime import processes

    owner = processes.owner_of(places.broker_process)
    if owner is not None:
        what = f"`logpond up` (process {owner}) runs on {places.lake}"
        raise CheckpointError(what, "stop it first")
    is_there = is_url(places.checkpoints) or Path(places.checkpoints).is_dir()
    with ExitStack() as held:
        queries = (INGEST, MINUTES, UPKEEP, IMPORT) if is_there else ()
        fences = [held.enter_context(query.alone(places)).fence for query in queries]

        def confirm() -> None:
            for fence in filter(None, fences):
                fence.confirm()

        yield confirm


def _topics(settings: Settings, places: Places) -> list[str]:
    """Returns those topics that this lake reads which are still the same ones."""
    from lakehouse.ingest.queries import INGEST
    from lakehouse.runtime import kafka
    from lakehouse.runtime.embedded_kafka import embedded
    from lakehouse.runtime.kafka_connection import Connection

    manifest = INGEST.checkpoint(places).manifest()
    if manifest is None or embedded(places):
        return []
    connection = Connection.of(settings.kafka)
    kafka.expect(connection)
    found = kafka.TopicsClient(connection, manifest.topics).describe()
    return [name for name, topic in found.items() if topic.id == manifest.ids[name]]


def _ask(what: list[str], topics: list[str]) -> None:
    from lakehouse.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError("nobody is here to answer", "give --yes if it is meant")
    for each in [*what, *(f"records of the topic {topic}" for topic in topics)]:
        echo(f"  {each}", err=True)
    click.confirm("delete all of this?", abort=True, err=True)


def parts(places: Places) -> list[Part]:
    """Returns what exists: tables first, checkpoints last.

    They are deleted in this order. After a crash a start says what is missing, and a second reset
    completes it.
    """
    tables = [Part(_rendered(places, name), places.table(name)) for name in TABLES]
    kept = [
        Part("what was imported, with copies of the files", places.raw),
        Part("which offsets have no row, and why", places.absent),
        Part("the ledger of commits", places.commits),
        Part("what the local programs keep", places.state),
    ]
    if is_url(places.lake):
        kept.append(Part("mutes, actions, names of files, alerts that wait", places.far_state))
    else:
        kept.append(Part("records of the embedded Kafka", places.broker))
    checkpoints = [
        Part(f"checkpoint {name}", places.checkpoint(name)) for name in _checkpoints(places)
    ]
    return [part for part in (*tables, *kept, *checkpoints) if _is_there(part.place)]


def forget(places: Places) -> None:
    """Removes the folders around the parts if they are empty."""
    for place in (places.checkpoints, places.lake):
        is_folder = not is_url(place) and Path(place).is_dir() and not Path(place).is_symlink()
        if is_folder and not any(Path(place).iterdir()):
            Path(place).rmdir()


def _checkpoints(places: Places) -> list[str]:
    """Returns folders of queries and ledgers, also those put aside; others' folders are left."""
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
