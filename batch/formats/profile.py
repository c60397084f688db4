"""What the columns of a dataset hold: one pass by DuckDB over text, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.formats import guess
from batch.formats.datasets import Dataset
from batch.formats.kind import Kind
from batch.formats.raw import FAULT, FILE, reach, relation
from lakehouse.duck import quoted
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import open_regular, refused, text_of
from lakehouse.query.confined import confined
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
SAMPLED, SAMPLE = 10, 500
EXAMPLES = 3
# Columns after these are named, not counted.
WIDEST = 200
# Longer texts are cut where they are shown.
LONGEST_TEXT = 48
HEAD = 1 << 20
# What zlib takes for a gzip file.
GZIP = 31
MOST_TEXT = 64 << 20


@dataclass(frozen=True)
class Column:
    """A column, with the number of values that are not of its `type` (`others`).

    `field` is the event field that is proposed for it.
    """

    column: str
    type: str
    nulls: int
    distinct: int
    others: int
    min: Any
    max: Any
    examples: list[str]
    field: str | None


@dataclass(frozen=True)
class Profile:
    """A dataset's rows and columns; `rows` is an estimate where it is not `exact`.

    `irregular` names files in which most of a column's values are not of its type, and
    `examples` a few of the broken rows, with file and line.
    """

    rows: int
    exact: bool
    broken: int
    columns: list[Column]
    irregular: list[str]
    examples: list[str]


def profile(dataset: Dataset, most: int = 0) -> Profile:
    """Profiles a dataset by all rows, or by the first `most` of each file."""
    samples = _samples(dataset)
    types = {name: guess.type_of(values) for name, values in samples.items()}
    with _reading(dataset) as connection:
        found = _counted(connection, dataset, types, most)
    whole = found.pop(None)
    cut = bool(most) and any(one["rows"] + one["broken"] >= most for one in found.values())
    return Profile(
        sum(_rows_of(*one) for one in dataset.files.items()) if cut else whole["rows"],
        not cut,
        whole["broken"],
        [
            _column(dataset, at, name, whole, samples[name], kind)
            for at, (name, kind) in enumerate(types.items())
        ],
        list(_irregular(dataset, types, whole, found)),
        [*islice(_examples(dataset, found), EXAMPLES)],
    )


def _samples(dataset: Dataset) -> dict[str, list[str]]:
    """Returns values of each column: the first rows of some files, spread over all files."""
    files = list(dataset.files.items())
    some = dict(files[:: -(-len(files) // SAMPLED)])
    with _reading(dataset) as connection:
        rows = connection.sql(relation(connection, some, SAMPLE)).to_arrow_table()
    held = {name: rows[name].drop_null().to_pylist() for name in rows.column_names}
    return {name: held.get(name, []) for name in dataset.columns[:WIDEST]}


def _counted(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, types: dict[str, str], most: int
) -> dict[str | None, dict[str, Any]]:
    """Returns file -> figures; those of all files together stand under None."""
    is_broken = f"{FAULT} IS NOT NULL"
    figures = [
        figure
        for at, (name, kind) in enumerate(types.items())
        for figure in _figures(at, quoted(name), kind)
    ]
    rows = connection.sql(
        f"SELECT {FILE}, count(*) FILTER (NOT ({is_broken})) AS rows, "
        f"count(*) FILTER ({is_broken}) AS broken, "
        f"{', '.join([f'arg_min({FAULT}, {FAULT}, {EXAMPLES}) AS faults', *figures])} "
        f"FROM ({relation(connection, dataset.files, most)}) GROUP BY GROUPING SETS (({FILE}), ())"
    ).to_arrow_table()
    return {row.pop(FILE): row for row in rows.to_pylist()}


def _figures(at: int, name: str, kind: str) -> Iterator[str]:
    typed = guess.sql(name, kind)
    yield f"count({name}) AS filled_{at}"
    yield f"count({typed}) AS typed_{at}"
    yield f"approx_count_distinct({name}) AS distinct_{at}"
    yield f"min({typed}) AS min_{at}"
    yield f"max({typed}) AS max_{at}"


def _column(
    dataset: Dataset, at: int, name: str, whole: dict[str, Any], values: list[str], kind: str
) -> Column:
    filled = whole[f"filled_{at}"]
    return Column(
        column=name,
        type=kind,
        nulls=whole["rows"] - filled,
        distinct=min(whole[f"distinct_{at}"], filled),
        others=filled - whole[f"typed_{at}"],
        min=_cut(whole[f"min_{at}"]),
        max=_cut(whole[f"max_{at}"]),
        examples=[_cut(value) for value in list(dict.fromkeys(values))[:EXAMPLES]],
        field=dataset.usual.fields.get(name),
    )


def _cut(value: Any) -> Any:
    return (
        f"{value[:LONGEST_TEXT]}..."
        if isinstance(value, str) and len(value) > LONGEST_TEXT
        else value
    )


def _irregular(
    dataset: Dataset,
    types: dict[str, str],
    whole: dict[str, Any],
    files: dict[str | None, dict[str, Any]],
) -> Iterator[str]:
    """Yields a line for each file and column of another type than in most files."""
    for at, (name, kind) in enumerate(types.items()):
        if 2 * whole[f"typed_{at}"] < whole[f"filled_{at}"]:
            continue
        for file, figures in files.items():
            if 2 * figures[f"typed_{at}"] < figures[f"filled_{at}"]:
                yield f"{_inside(dataset, file)} has no {kind} in {name}"


def _examples(dataset: Dataset, files: dict[str | None, dict[str, Any]]) -> Iterator[str]:
    """A few records that are none of their format, with file and line."""
    for file, figures in files.items():
        for fault in (one for one in figures["faults"] or () if one):
            yield f"{_inside(dataset, file)} line {fault}"


def _inside(dataset: Dataset, text: str | None) -> str:
    """The name of a file in its dataset, by its path as text."""
    return next((dataset.inside(file) for file in dataset.files if text_of(file) == text), "")


def _rows_of(file: Path, kind: Kind) -> int:
    """Estimates the rows of a file from the lines of its first megabyte."""
    with open_regular(file) as opened:
        head = opened.read(HEAD)
    text = zlib.decompressobj(GZIP).decompress(head, MOST_TEXT) if kind.compressed else head
    return round(text.count(b"\n") * file.stat().st_size / len(head)) - kind.header


@contextmanager
def _reading(dataset: Dataset) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of DuckDB that may read these files, but no link put in place of one."""
    import duckdb

    for file in dataset.files:  # DuckDB would wait for a pipe
        with refused(file), open_regular(file):
            pass
    try:
        with confined(reach(dataset.files), None, memory_limit=MEMORY) as connection:
            yield connection
    except duckdb.Error as error:
        what = escaped(str(error).splitlines()[0])
        raise SettingsError(f"files of {dataset.root} cannot be read: {what}") from None
