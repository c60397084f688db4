"""SQL without a JVM: DuckDB over the files of pinned Delta versions. Nothing is downloaded."""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.duck import create_view, quoted
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.query import confined, file_tables, open_windows, pinned, values
from lakehouse.query.limits import too_large
from lakehouse.query.statement import Kind, Statement
from lakehouse.settings import Sql
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import Moment

UNKNOWN = re.compile(r"Table with name \"?(.+?)\"? does not exist")


def ask(
    places: Places, statement: Statement, moment: Moment, limits: Sql | None = None
) -> pa.Table:
    """The answer to one statement that reads, over each table that it names at a moment.

    Raises SettingsError where it takes more than `limits`.
    """
    if statement.kind is Kind.ABOUT:
        raise SettingsError(
            "DESCRIBE HISTORY and DESCRIBE DETAIL are Spark's",
            "use `logpond history TABLE`, `logpond tables`, or --engine spark",
        )
    try:
        query = confined.query(statement)
        reach = confined.whole([*confined.tables(places), *confined.regular(query.files)])
        with confined.confined(reach, limits) as connection:
            found = values.exact(_bound(connection, query.statement, places, moment))
            return _fetched(found, limits)
    except duckdb.Error as error:
        raise _in_words(places, error) from error


def _fetched(found: duckdb.DuckDBPyRelation, limits: Sql | None) -> pa.Table:
    """All rows, as far as they fit into memory."""
    rows, size = found.to_arrow_reader(), 0
    batches = []
    for batch in rows:
        batches.append(batch)
        size += batch.nbytes
        if limits and size > limits.memory_mb << 20:
            raise too_large(limits)
    return pa.Table.from_batches(batches, rows.schema)


def _bound(
    connection: duckdb.DuckDBPyConnection, asked: duckdb.Statement, places: Places, moment: Moment
) -> duckdb.DuckDBPyRelation:
    """The relation of a statement, with a view for each table that DuckDB says it misses."""
    tables: dict[str, DeltaTable] = {}
    views: set[str] = set()
    while True:
        try:
            return connection.sql(asked)
        except duckdb.CatalogException as error:
            missing = UNKNOWN.search(str(error))
            if missing is None or missing[1] in views:
                raise
            views.add(missing[1])
            if files := file_tables.known(places, missing[1]):
                view = f"CREATE TEMP VIEW {quoted(files.name)} AS {files.at(moment).duckdb()}"
                connection.execute(view)
                continue
            name = pinned.known(places, missing[1])
            if name is None:
                raise
            tables = pinned.pin(places, [name], moment) | tables
            _create_view(connection, places, name, tables, moment)


def _create_view(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    name: str,
    tables: dict[str, DeltaTable],
    moment: Moment,
) -> None:
    """A table as it lies there; a rollup with its open windows."""
    rollup = ROLLUPS.get(name)
    if rollup is None:
        create_view(connection, name, places.table(name), tables[name])
        return
    stored, opened = f"{name} stored", f"{name} open"
    create_view(connection, stored, places.table(name), tables[name])
    connection.register(opened, open_windows.open_part(places, rollup, tables, moment))
    both = open_windows.union(rollup, tables[name], quoted(stored), quoted(opened), quoted)
    connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {both}")


def _in_words(places: Places, error: duckdb.Error) -> LogpondError:
    text = escaped(str(error), keep="\n")
    unknown = UNKNOWN.search(text)
    if unknown:
        return pinned.absent(places, unknown[1])
    if isinstance(error, duckdb.PermissionException):
        far = "; httpfs is not there" if "://" in text else ""
        return SettingsError(
            f"out of reach for a statement{far}: {text}",
            "it reads tables of the lake, and the data files that it names itself: "
            "FROM 'hosts.csv' (also .tsv, .json, .jsonl, .ndjson, .parquet, .gz, .zst)",
        )
    if isinstance(error, duckdb.IOException) and places.lake in text:
        return TableError(
            text, "a file of this version is gone: vacuumed? see `logpond history` for others"
        )
    return SettingsError(text)
