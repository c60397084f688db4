"""Renders a dataset as text: a summary, what is irregular, and the command that imports it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from batch.formats.assumed import UTC, words
from batch.formats.datasets import Dataset
from batch.formats.guess import TIMES
from batch.formats.paths import expand
from batch.formats.profile import Column, Profile
from lakehouse.event.textfile import text_of
from lakehouse.formats.registry import named
from lakehouse.formats.times import is_time
from lakehouse.terminal.options import HUMANE
from lakehouse.terminal.render import escaped

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# So many examples are shown; the others are counted.
MOST = 5
FEW = 3


def head(dataset: Dataset) -> str:
    """Returns one line: where the dataset is, how many files of which format, their size."""
    kind, count = dataset.usual, len(dataset.files)
    form = f"{count:,} {named(kind.format).title} file{'s' * (count != 1)}"
    if kind.format == "csv":
        header = "a header" if kind.header else "no header"
        form += f", {SEPARATORS[kind.delimiter]} between values, {header}"
    if packed := sum(one.compressed for one in dataset.files.values()):
        form += ", gzip" if packed == count else f", {packed:,} of them gzip"
    return escaped(f"{_where(dataset)}: {form}, {HUMANE['bytes'](dataset.bytes)}")


def notes(dataset: Dataset, found: Profile) -> Iterator[str]:
    """Yields lines on rows, times, partitions, broken rows and drift."""
    about = "" if found.exact else "about "
    yield f"{about}{found.rows:,} rows" + (f", {found.broken:,} more broken" * bool(found.broken))
    if times := extent(found):
        yield f"from {HUMANE['time'](times[0])} to {HUMANE['time'](times[1])}"
    for key, values in dataset.partitions.items():
        yield escaped(f"partitioned by {key}: {len(values):,} values, {values[0]} to {values[-1]}")
    if more := dataset.columns[len(found.columns) :]:
        yield escaped(f"{len(more):,} more columns: {', '.join(more[:MOST])}, ...")
    yield from _some("broken: ", found.examples, found.broken)
    yield from map(escaped, dataset.usual.notes)
    yield from _some("drift: ", [*dataset.drift(), *found.irregular])


def last(dataset: Dataset, found: Profile) -> Iterator[str]:
    """Yields lines on what is assumed where nothing is said, and the import command to copy."""
    shown = ", ".join(dataset.services[:MOST]) + ", ..." * (len(dataset.services) > MOST)
    yield from map(escaped, words(dataset.usual, "", shown))
    if "timestamp" in dataset.missing:
        yield "no column gives a time: rows get the file's; --map COLUMN=timestamp names one"
    of = _time(found)
    if of and not all(map(is_time, of.examples)):
        yield escaped(f"{of.column} is no time: such rows get that of the row before")
    yield f"import: {command(dataset, found)}"


def command(dataset: Dataset, found: Profile) -> str:
    """Returns the command that imports the dataset as it would be without a word."""
    kind = dataset.usual
    maps = {} if named(kind.format).mapping else kind.mapping
    fields = [
        *(f"{name}={field}" for name, field in maps.items() if name != field),
        *(f"{name}=response_time:{unit}" for name, unit in kind.untold.items()),
    ]
    files = (shlex.quote(path) for path in _paths(dataset))
    each = (f"--map {shlex.quote(field)}" for field in fields)
    return escaped(" ".join(["logpond import", *files, *each]))


def extent(found: Profile) -> tuple[datetime, datetime] | None:
    """Returns the first and the last time of the timestamp column; None where it has none."""
    of = _time(found)
    return (of.min, of.max) if of and of.type in TIMES and of.min else None


def _time(found: Profile) -> Column | None:
    return next((column for column in found.columns if column.field == "timestamp"), None)


def rows(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Returns the columns as rows of a table, with their examples as one text."""
    return [{**asdict(one), "examples": " | ".join(one.examples)} for one in columns]


def as_dict(dataset: Dataset, found: Profile) -> dict[str, Any]:
    """Returns the dataset and its profile as JSON can hold them, for a program."""
    kind, times = dataset.usual, extent(found)
    return {
        "dataset": text_of(dataset.root),
        "format": kind.format,
        "delimiter": kind.delimiter,
        "header": kind.header,
        "files": [text_of(file) for file in dataset.files],
        "compressed_files": sum(one.compressed for one in dataset.files.values()),
        "bytes": dataset.bytes,
        "rows": found.rows,
        "rows_are_exact": found.exact,
        "broken_rows": found.broken,
        "broken_examples": found.examples,
        "first": times and times[0],
        "last": times and times[1],
        "partitions": dataset.partitions,
        "drift": [*dataset.drift(), *found.irregular],
        "columns": found.columns,
        "missing": dataset.missing,
        "zone": UTC if kind.lacks_zone else None,
        "services": dataset.services,
        "import": command(dataset, found),
    }


def _where(dataset: Dataset) -> Path:
    return dataset.root if len(dataset.files) > 1 else next(iter(dataset.files))


def _paths(dataset: Dataset) -> list[str]:
    """Returns the shortest list of paths and globs that matches its files and no others."""
    root = str(dataset.root)
    ends = {"".join(file.suffixes[-2:]) for file in dataset.files}
    for short in (root, *(f"{root}/**/*{end}" for end in ends)):
        if len(dataset.files) > FEW and {*expand([short])} == {*dataset.files}:
            return [short]
    return [text_of(file) for file in dataset.files]


def _some(word: str, examples: list[str], count: int = 0) -> Iterator[str]:
    yield from (word + escaped(one) for one in examples[:MOST])
    more = max(count, len(examples)) - len(examples[:MOST])
    if examples and more > 0:
        yield f"{word}{more:,} more"
