"""A dataset in words: its head, what is odd, and the command that imports it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from batch.formats.datasets import FROM_PATH, Dataset
from batch.formats.guess import TIMES
from batch.formats.paths import expand
from batch.formats.profile import Column, Profile
from lakehouse.terminal.options import HUMANE
from lakehouse.terminal.render import escaped

NAMES = {"csv": "CSV", "ndjson": "NDJSON", "access": "access log"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# More of them are counted.
MOST = 5
FEW = 3
# What one file may well have one value of.
CONSTANT = ("service", "endpoint")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|z|[+-]\d\d:\d\d)?")


def head(dataset: Dataset) -> str:
    """What it is: where, how many files of which form, their size."""
    kind, count = dataset.usual, len(dataset.files)
    form = f"{count:,} {NAMES[kind.format]} file{'s' * (count != 1)}"
    if kind.format == "csv":
        header = "a header" if kind.header else "no header"
        form += f", {SEPARATORS[kind.delimiter]} between values, {header}"
    if packed := sum(one.compressed for one in dataset.files.values()):
        form += ", gzip" if packed == count else f", {packed:,} of them gzip"
    return escaped(f"{_where(dataset)}: {form}, {HUMANE['bytes'](dataset.bytes)}")


def notes(dataset: Dataset, found: Profile) -> Iterator[str]:
    """Rows, times, partitions, and what is not as in the rest."""
    about = "" if found.exact else "about "
    yield f"{about}{found.rows:,} rows" + (f", {found.broken:,} more broken" * bool(found.broken))
    if times := extent(found):
        yield f"from {HUMANE['time'](times[0])} to {HUMANE['time'](times[1])}"
    for key, values in dataset.partitions.items():
        yield escaped(f"partitioned by {key}: {len(values):,} values, {values[0]} to {values[-1]}")
    if more := dataset.columns[len(found.columns) :]:
        yield escaped(f"{len(more):,} more columns: {', '.join(more[:MOST])}, ...")
    yield from _some("broken: ", found.examples, found.broken)
    yield from _some("drift: ", [*dataset.drift(), *found.irregular])


def last(dataset: Dataset, found: Profile) -> Iterator[str]:
    """What an event lacks, and the command to copy."""
    if dataset.missing:
        wants = (f"{f} (or {FROM_PATH[f]})" if f in FROM_PATH else f for f in dataset.missing)
        yield f"no column is known for: {', '.join(wants)}; fill in what is in capitals"
    of = _time(found)
    if of and not all(map(RFC_3339.fullmatch, of.examples)):
        yield escaped(f"{of.column} is no RFC 3339 time: such rows go to quarantine")
    yield f"import: {command(dataset, found)}"


def command(dataset: Dataset, found: Profile) -> str:
    """The command that imports the dataset, with a value to fill in for what it lacks."""
    maps = [
        f"--map {shlex.quote(f'{name}={field}')}"
        for name, field in dataset.usual.mapping.items()
        if name != field
    ]
    lacking = [
        f"--set {name}={name.upper()}" if name in CONSTANT else f"--map COLUMN={name}"
        for name in dataset.missing
    ]
    words = ["logpond import", *(shlex.quote(path) for path in _paths(dataset)), *maps, *lacking]
    of = _time(found)
    if of and any(match and not match[1] for match in map(RFC_3339.fullmatch, of.examples)):
        words.append("--utc")
    return escaped(" ".join(words))


def extent(found: Profile) -> tuple[datetime, datetime] | None:
    """The first and the last time of the column that gives an event's."""
    of = _time(found)
    return (of.min, of.max) if of and of.type in TIMES and of.min else None


def _time(found: Profile) -> Column | None:
    return next((column for column in found.columns if column.field == "timestamp"), None)


def rows(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The columns for a table: examples as one text."""
    return [{**asdict(one), "examples": " | ".join(one.examples)} for one in columns]


def as_dict(dataset: Dataset, found: Profile) -> dict[str, Any]:
    """All of it for a program."""
    kind, times = dataset.usual, extent(found)
    return {
        "dataset": str(dataset.root),
        "format": kind.format,
        "delimiter": kind.delimiter,
        "header": kind.header,
        "files": [str(file) for file in dataset.files],
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
        "import": command(dataset, found),
    }


def _where(dataset: Dataset) -> Path:
    return dataset.root if len(dataset.files) > 1 else next(iter(dataset.files))


def _paths(dataset: Dataset) -> list[str]:
    """The shortest way to name its files, and no others."""
    root = str(dataset.root)
    ends = {"".join(file.suffixes[-2:]) for file in dataset.files}
    for short in (root, *(f"{root}/**/*{end}" for end in ends)):
        if len(dataset.files) > FEW and {*expand([short])} == {*dataset.files}:
            return [short]
    return [str(file) for file in dataset.files]


def _some(word: str, examples: list[str], count: int = 0) -> Iterator[str]:
    yield from (word + escaped(one) for one in examples[:MOST])
    more = max(count, len(examples)) - len(examples[:MOST])
    if examples and more > 0:
        yield f"{word}{more:,} more"
