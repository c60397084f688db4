"""Files of logs as a relation of DuckDB: each column as text, broken rows left out or NULL."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from batch.formats.kind import Kind
from lakehouse.duck import quoted
from lakehouse.duck.text_files import GZIP, PLAIN, read_csv, read_ndjson
from lakehouse.event import access_log
from lakehouse.event.textfile import Found, lines

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# The column that says which file a row is of.
FILE = "_logpond_file"
BATCH = 20_000
Files = Mapping[Path, Kind]


def relation(connection: duckdb.DuckDBPyConnection, files: Files, most: int = 0) -> str:
    """The SELECT of all rows of these files, or of the first `most` of each.

    A row that is no CSV row of its columns goes to DuckDB's `reject_errors`; a line that is no JSON
    object, or no access log line, is a row of NULLs. Access logs can be read once a call.
    """
    alike = sorted(files.items(), key=lambda one: _form(one[1]))
    parts = [
        part
        for _, members in groupby(alike, key=lambda one: _form(one[1]))
        for part in _parts(connection, dict(members), most)
    ]
    return "\nUNION ALL BY NAME\n".join(parts)


def reach(files: Collection[Path]) -> set[str]:
    """What DuckDB may open to read files: each as `relation` names it, and where it really is."""
    real = (file if isinstance(file, Found) else file.resolve() for file in files)
    whole = {str(file.absolute()) for file in (*files, *real)}
    return whole | {*map(glob.escape, whole)}


def _form(kind: Kind) -> tuple[object, ...]:
    return (kind.format, kind.compressed, kind.delimiter, kind.header, kind.columns)


def _parts(connection: duckdb.DuckDBPyConnection, files: Files, most: int) -> Iterator[str]:
    """One SELECT for files of one form; one for each where only their first rows count."""
    kind = next(iter(files.values()))
    if kind.format == "access":
        name = f"access {kind.compressed}"
        connection.register(name, _access(list(files), kind.columns, most))
        yield f"SELECT * FROM {quoted(name)}"
    elif most:
        yield from (f"(SELECT * FROM {_read([file], kind)} LIMIT {most})" for file in files)
    else:
        yield f"SELECT * FROM {_read(list(files), kind)}"


def _read(files: Sequence[Path], kind: Kind) -> str:
    packed = GZIP if kind.compressed else PLAIN
    more = f"compression = '{packed}', filename = '{FILE}'"
    names = [str(file) for file in files]
    if kind.format == "ndjson":
        return read_ndjson(names, kind.columns, more)
    return read_csv(
        names, kind.columns, kind.delimiter, kind.header, f"{more}, store_rejects = true"
    )


def _access(files: Sequence[Path], columns: Sequence[str], most: int) -> pa.RecordBatchReader:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in (*columns, FILE)])
    rows = (row for file in files for row in islice(_rows(file, columns), most or None))
    batches = (
        pa.RecordBatch.from_arrays(
            [pa.array(c, pa.string()) for c in zip(*some, strict=True)], schema=schema
        )
        for some in iter(lambda: list(islice(rows, BATCH)), [])
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def _rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    for line in filter(bytes.strip, lines(file)):
        event = access_log.parse(line, "-", "-")
        values = (getattr(event, name, None) for name in columns)
        yield (*(None if value is None else str(value) for value in values), str(file))
