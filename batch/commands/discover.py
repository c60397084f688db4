"""The command `discover`: what is in files, before they are imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import text_of
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from batch.formats.datasets import Dataset
    from batch.formats.profile import Profile
    from lakehouse.paths import Places
    from lakehouse.settings import Settings

# Files of more than this, unpacked, are looked at by their first rows, unless told otherwise.
LARGE, FIRST = 100 << 20, 100_000
UNPACKED = 8
BOOTSTRAP = setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]"
)
COLUMNS = ("column", "type", "field", "nulls", "distinct", "others", "min", "max", "examples")


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--rows",
    type=click.IntRange(0),
    metavar="N",
    help="Read the first N records of each file; 0 is all. [default: all of up to 100 MB,"
    " else 100000]",
)
@click.option("--topic", metavar="T", help="Look at the newest records of a topic instead.")
@BOOTSTRAP
@click.option("--register", metavar="NAME", help="Make the dataset a table that SQL finds.")
@click.option("--unregister", metavar="NAME", help="Forget such a table; its files stay.")
@FORMAT
@with_settings
def discover(
    paths: tuple[str, ...],
    rows: int | None,
    topic: str | None,
    register: str | None,
    unregister: str | None,
    how: str,
    settings: Settings,
) -> None:
    """Show what is in files of logs before importing them, of any format that is known, also gzip.

    PATH is a file, a folder or a glob. Files of a folder that share a form and most columns are one
    dataset; folders such as date=2026-05-01 are its partitions, and a file that differs is named.
    Nothing is written, but what --register notes in the lake. `distinct` is about right; `others`
    are values that the type does not fit; `field` is the field of an event that a column is
    proposed for, by its name, or by its values where there is no header.

    A registered name is a table for both engines of `logpond sql`, until --unregister. It is the
    files of one dataset, CSV or NDJSON, as they are there now; register again for new ones. Values
    that the type of their column does not fit are NULL.

    With --topic it looks at the thousand newest records of a topic, and prints the entry of a file
    of sources that reads them.

    \b
    exit 0  all files were recognised     1  some were not     2  none was

    \b
      logpond discover access.log.gz
      logpond discover logs/ --rows 10000
      logpond discover 'logs/date=2026-05-*/*.csv' --format json
      logpond discover web_logs --register web_logs
      logpond sql --engine spark "SELECT service, COUNT(*) FROM web_logs GROUP BY service"
      logpond discover --topic app-logs --bootstrap kafka:9092 >>sources.toml
    """
    from batch.formats.datasets import datasets
    from batch.formats.paths import expand
    from lakehouse.paths import Places

    places = Places.of(settings)
    if topic:
        _of_topic(topic, settings, places)
        return
    if unregister:
        _unregister(places, unregister)
    if not paths:
        _without_paths(unregister)
        return
    found, refused = datasets(expand(paths))
    seen = list(_seen(found, rows, how, refused))
    if not seen:
        raise SettingsError("\n".join(refused))
    if how != "table":
        _write(seen, how)
    for reason in refused:
        echo(f"left out: {reason}", err=True)
    if register:
        _register(places, register, seen)
    sys.exit(1 if refused else 0)


def _of_topic(topic: str, settings: Settings, places: Places) -> None:
    from batch.formats.topic import entry
    from lakehouse.runtime.embedded_kafka import connection
    from lakehouse.runtime.kafka_newest import newest
    from lakehouse.schemas.asked import recognised

    values = newest(connection(places, settings.kafka), topic)
    if not values:
        raise SettingsError(f"there are no records in {topic}", "look again when some have come")
    echo(entry(topic, values, recognised(settings.registry, values)), nl=False)


def _without_paths(unregister: str | None) -> None:
    if not unregister:
        raise click.UsageError("Missing argument 'PATH...'.")


def _register(places: Places, name: str, seen: list[tuple[Dataset, Profile]]) -> None:
    from batch.formats.as_table import as_table
    from lakehouse.query import file_tables

    if len(seen) > 1:
        raise SettingsError(f"there are {len(seen)} datasets", "name the files of one of them")
    replaced = file_tables.register(places, as_table(name, *seen[0]))
    now = "is registered again" if replaced else "is a table now"
    echo(f'{name} {now}: logpond sql "SELECT * FROM {name} LIMIT 5"', err=True)


def _unregister(places: Places, name: str) -> None:
    from lakehouse.query import file_tables

    file_tables.unregister(places, name)
    echo(f"{name} is no table any more; its files stay", err=True)


def _seen(
    found: list[Dataset], rows: int | None, how: str, refused: list[str]
) -> Iterator[tuple[Dataset, Profile]]:
    """Each dataset with its columns, told to a person at once; broken ones are refused."""
    from batch.formats import render as formats_render
    from batch.formats.profile import profile

    for dataset in found:
        if how == "table":
            echo(formats_render.head(dataset))
        try:
            with _waiting(dataset):
                columns = profile(dataset, _most(dataset) if rows is None else rows)
        except SettingsError as error:
            refused.append(error.what)
            continue
        if how == "table":
            _render_profile(dataset, columns)
        yield dataset, columns


def _waiting(dataset: Dataset) -> AbstractContextManager[object]:
    """Says on a terminal that something happens."""
    from rich.console import Console

    status = f"reading {len(dataset.files):,} files, {HUMANE['bytes'](dataset.bytes)}"
    return Console(stderr=True).status(status) if sys.stderr.isatty() else nullcontext()


def _write(seen: list[tuple[Dataset, Profile]], how: str) -> None:
    from batch.formats import render as formats_render

    if how == "json":
        objects = [formats_render.as_dict(*one) for one in seen]
        render.show(render.Rows.of_dicts(objects, [*objects[0]]), how, sys.stdout)
        return
    lines = [
        {"dataset": text_of(dataset.root), **row}
        for dataset, found in seen
        for row in formats_render.rows(found.columns)
    ]
    render.show(render.Rows.of_dicts(lines, ("dataset", *COLUMNS)), how, sys.stdout)


def _render_profile(dataset: Dataset, found: Profile) -> None:
    """A dataset for a person."""
    from batch.formats import render as formats_render

    for line in formats_render.notes(dataset, found):
        echo(f"  {line}")
    columns = render.Rows.of_dicts(formats_render.rows(found.columns), COLUMNS)
    render.show(columns, "table", sys.stdout, {**HUMANE, "field": lambda name: name or ""})
    for line in formats_render.last(dataset, found):
        echo(line)
    echo()


def _most(dataset: Dataset) -> int:
    """How many rows of each file are read; 0 for all of them."""
    packed = any(kind.compressed for kind in dataset.files.values())
    weight = dataset.bytes * (UNPACKED if packed else 1)
    return FIRST if weight > LARGE else 0
