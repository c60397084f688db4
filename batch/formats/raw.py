"""Gives files as a relation of DuckDB: columns of text, by the code that imports read with."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.formats.kind import Kind
from lakehouse.duck import quoted
from lakehouse.event.textfile import Found, lines, text_of
from lakehouse.formats.columns import leaves
from lakehouse.formats.format import Fault, Fields
from lakehouse.formats.messages import NOW, before_of, fields_of
from lakehouse.formats.records import records
from lakehouse.formats.times import rfc_3339

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# The columns that say which file a row is of, and why it is none of its format, with its line.
FILE, FAULT = "_logpond_file", "_logpond_fault"
BATCH = 20_000
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:$|Z|[+-])")
Files = Mapping[Path, Kind]
Row = tuple[str | None, ...]


def relation(connection: duckdb.DuckDBPyConnection, files: Files, most: int = 0) -> str:
    """Returns the SELECT of all rows of these files, or of the first `most` of each.

    A record that is none of its format is a row of NULLs, with the reason in `FAULT`. The SELECT
    can be run once.
    """
    alike = sorted(files.items(), key=lambda one: _form(one[1]))
    names = [
        _registered(connection, dict(members), most, number)
        for number, (_, members) in enumerate(groupby(alike, key=lambda one: _form(one[1])))
    ]
    return "\nUNION ALL BY NAME\n".join(f"SELECT * FROM {quoted(name)}" for name in names)


def reach(files: Collection[Path]) -> set[str]:
    """Returns what DuckDB may open to read files: each as it is named, and where it really is."""
    real = (file if isinstance(file, Found) else file.resolve() for file in files)
    paths = (str(file.absolute()) for file in (*files, *real))
    whole = {path for path in paths if path == text_of(path)}  # it opens no other
    return whole | {*map(glob.escape, whole)}


def _form(kind: Kind) -> tuple[str, ...]:
    return (kind.format, json.dumps(kind.options, sort_keys=True), *kind.columns)


def _registered(connection: duckdb.DuckDBPyConnection, files: Files, most: int, number: int) -> str:
    import pyarrow as pa

    kind = next(iter(files.values()))
    name = f"files {number}"
    schema = pa.schema([(column, pa.string()) for column in (*kind.columns, FILE, FAULT)])
    rows = (row for file in files for row in islice(_rows(file, kind), most or None))
    connection.register(name, pa.RecordBatchReader.from_batches(schema, _batches(rows, schema)))
    return name


def _batches(rows: Iterator[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    while some := list(islice(rows, BATCH)):
        columns = [pa.array(column, pa.string()) for column in zip(*some, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _rows(file: Path, kind: Kind) -> Iterator[Row]:
    reading = kind.reading(file)
    read, before = fields_of(reading), before_of(reading) or NOW
    time = next((name for name, to in kind.fields.items() if to == "timestamp"), None)
    for record in records(lines(file, keeps_cr=True), reading):
        for found in read(record.original, record.columns):
            if isinstance(found, Fault):
                why = f"{record.line}: {found.detail}"
                yield (*(None for _ in kind.columns), text_of(file), why)
            else:
                yield (*_cells(found, kind.columns, time, before), text_of(file), None)


def _cells(
    fields: Fields, columns: Sequence[str], time: str | None, before: datetime
) -> Iterator[str | None]:
    """The values of columns; a time that SQL would not read is written so that it does."""
    flat = {**dict(leaves(fields)), **fields}
    for column in columns:
        value = flat.get(column)
        if value is not None and column == time and not _ISO.match(str(value)):
            value = rfc_3339(value, "UTC", before) or value
        yield _text(value)


def _text(value: Any) -> str | None:
    """A value as it is written; None of an empty one, which CSV has for none."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, default=str)
