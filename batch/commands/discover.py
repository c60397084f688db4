"""The command `discover`: what is in files, before they are imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from lakehouse.errors import SettingsError
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE

if TYPE_CHECKING:
    from batch.formats.datasets import Dataset
    from batch.formats.profile import Profile

# Files of more than this, unpacked, are looked at by their first rows, unless told otherwise.
LARGE, FIRST = 2 << 30, 100_000
UNPACKED, SLOWER = 8, 20
COLUMNS = ("column", "type", "field", "nulls", "distinct", "others", "min", "max", "examples")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--rows",
    type=click.IntRange(0),
    metavar="N",
    help="Read the first N rows of each file; 0 is all. [default: all of up to 2 GB"
    " (access logs 100 MB), else 100000]",
)
@FORMAT
def discover(paths: tuple[str, ...], rows: int | None, how: str) -> None:
    """Show what is in files of logs before importing them: CSV, NDJSON, access logs, also gzip.

    PATH is a file, a folder or a glob. Files of a folder that share a form and most columns are one
    dataset; folders such as date=2026-05-01 are its partitions, and a file that differs is named.
    Nothing is written. `distinct` is about right; `others` are values that the type does not fit;
    `field` is the field of an event that a column is proposed for, by its name, or by its values
    where there is no header.

    \b
    exit 0  all files were recognised     1  some were not     2  none was

    \b
      logpond discover access.log.gz
      logpond discover logs/ --rows 10000
      logpond discover 'logs/date=2026-05-*/*.csv' --format json
    """
    from batch.formats.datasets import datasets
    from batch.formats.paths import expand

    found, refused = datasets(expand(paths))
    seen = list(_seen(found, rows, how, refused))
    if not seen:
        raise SettingsError("\n".join(refused))
    if how != "table":
        _write(seen, how)
    for reason in refused:
        click.echo(f"left out: {reason}", err=True)
    sys.exit(1 if refused else 0)


def _seen(
    found: list[Dataset], rows: int | None, how: str, refused: list[str]
) -> Iterator[tuple[Dataset, Profile]]:
    """Each dataset with its columns, told to a person at once; broken ones are refused."""
    from batch.formats import render as formats_render
    from batch.formats.profile import profile

    for dataset in found:
        if how == "table":
            click.echo(formats_render.head(dataset))
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
        {"dataset": str(dataset.root), **row}
        for dataset, found in seen
        for row in formats_render.rows(found.columns)
    ]
    render.show(render.Rows.of_dicts(lines, ("dataset", *COLUMNS)), how, sys.stdout)


def _render_profile(dataset: Dataset, found: Profile) -> None:
    """A dataset for a person."""
    from batch.formats import render as formats_render

    for line in formats_render.notes(dataset, found):
        click.echo(f"  {line}")
    columns = render.Rows.of_dicts(formats_render.rows(found.columns), COLUMNS)
    render.show(columns, "table", sys.stdout, {**HUMANE, "field": lambda name: name or ""})
    for line in formats_render.last(dataset, found):
        click.echo(line)
    click.echo()


def _most(dataset: Dataset) -> int:
    """How many rows of each file are read; 0 for all of them."""
    packed = any(kind.compressed for kind in dataset.files.values())
    slow = dataset.usual.format == "access"
    weight = dataset.bytes * (UNPACKED if packed else 1) * (SLOWER if slow else 1)
    return FIRST if weight > LARGE else 0
