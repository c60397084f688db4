"""What data files say of their rows: how many, a checksum that adds up, and which commit they name.

The checksum of a row is the lower half of the MD5 of its coordinates, which any engine has; of rows
it is the sum. So it says which rows they are, in whatever files and order they lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.duck import connect, literal, one_file, quoted
from lakehouse.duck.view import FILE, options
from lakehouse.past.entry import MODULUS
from lakehouse.paths import Places, is_url
from lakehouse.store import objects

READ = {
    "_topic": "VARCHAR",
    "_partition": "INTEGER",
    "_offset": "BIGINT",
    "_item": "INTEGER",
    "_commit": "VARCHAR",
}
# How many files one question reads, and how many a bucket is asked for at once.
AT_ONCE, THREADS = 1000, 16
ROW = "_topic || '|' || _partition || '|' || _offset || '|' || coalesce(_item, -1)"
CHECKSUM = f"coalesce(sum(md5_number_lower({ROW})) % {MODULUS}::HUGEINT, 0)::UBIGINT"


class Contents(NamedTuple):
    """Rows of a file, their checksum, and the commits that they name, from `low` to `high`."""

    rows: int
    checksum: int
    low: str
    high: str


def contents(places: Places, table: str, files: Sequence[str]) -> dict[str, Contents]:
    """Returns what these files of a table have, by their paths; without those that are gone."""
    found: dict[str, Contents] = {}
    root = places.table(table)
    read = _far if is_url(root) else _near
    with connect() as connection:
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            if name := read(connection, root, some):
                found |= _grouped(connection, name)
    return found


def by_commit(connection: duckdb.DuckDBPyConnection, rows: str) -> list[tuple[Any, ...]]:
    """Returns `_commit`, rows, checksum and newest date [days] of each commit of a relation."""
    days = "max(date_diff('day', DATE '1970-01-01', date))"
    query = f"SELECT _commit, count(*), {CHECKSUM}, {days} FROM {rows} GROUP BY _commit"
    return connection.execute(f"{query} ORDER BY min(_ingested_at), _commit").fetchall()


def whole(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, int]:
    """Returns how many rows a relation has, and their checksum."""
    found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM {rows}").fetchone()
    assert found
    return int(found[0]), int(found[1])


def added(of: Iterable[Contents | None]) -> tuple[int, int] | None:
    """Returns rows and checksum of several files together; None where one is gone."""
    known = [*of]
    if None in known:
        return None
    there = [one for one in known if one]
    return sum(one.rows for one in there), sum(one.checksum for one in there) % MODULUS


def _grouped(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, Contents]:
    query = (
        f"SELECT file, count(*), {CHECKSUM}, min(_commit), max(_commit) FROM {rows} GROUP BY file"
    )
    return {file: Contents(*values) for file, *values in connection.execute(query).fetchall()}


def _near(connection: duckdb.DuckDBPyConnection, root: str, files: Sequence[str]) -> str:
    """Makes a view of the files of a folder; returns its name, none where all are gone."""
    there = [file for file in files if Path(root, file).is_file()]
    if not there:
        return ""
    names = ", ".join(literal(one_file(f"{root}/{file}")) for file in there)
    columns = ", ".join(map(quoted, READ))
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW rows_of_files AS SELECT substr({FILE}, {len(root) + 2}) "
        f"AS file, {columns} FROM read_parquet([{names}], {options(READ)})"
    )
    return "rows_of_files"


def _far(connection: duckdb.DuckDBPyConnection, root: str, files: Sequence[str]) -> str:
    """The same of a bucket, whose files are fetched."""
    at = objects.reader(root)
    with ThreadPoolExecutor(THREADS) as threads:
        fetched = threads.map(lambda file: objects.get(at, file), files)
        found = zip(files, fetched, strict=True)
        tables = [*_tables({file: content for file, content in found if content})]
    if not tables:
        return ""
    connection.register("rows_of_objects", pa.concat_tables(tables))
    return "rows_of_objects"


def _tables(files: Mapping[str, bytes]) -> Iterator[pa.Table]:
    kinds = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}
    for file, content in files.items():
        rows = pq.ParquetFile(pa.BufferReader(content))
        there = {name for name in READ if name in rows.schema_arrow.names}
        table = rows.read([*there])
        columns = {
            name: table[name].cast(kinds[kind])
            if name in there
            else pa.nulls(len(table), kinds[kind])
            for name, kind in READ.items()
        }
        yield pa.table({"file": pa.repeat(file, len(table)), **columns})
