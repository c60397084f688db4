"""A DuckDB that answers one statement of a person: it reads tables and named files, no more.

The statement must be a query by DuckDB's own parser, in all its parts: a `WITH` may hold a COPY
or an INSERT there, and an EXPLAIN ANALYZE runs what it explains. Then the connection is locked.
One that names no file reads files of the lake's tables, by views alone: those of the version that
is asked for. One that does, where it may, reads those of that version, and what it names.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from lakehouse.duck import connect, literal, named, one_file, syntax
from lakehouse.errors import SettingsError
from lakehouse.http.asker import asker
from lakehouse.paths import Places, is_url
from lakehouse.query import counted, file_tables, pinned
from lakehouse.query.limits import too_long
from lakehouse.query.statement import Statement
from lakehouse.settings import Sql
from lakehouse.skipping.statement import of_statement
from lakehouse.skipping.wanted import Wanted

QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
DATA_FILE = re.compile(r".*\.(csv|tsv|json|jsonl|ndjson|parquet)(\.gz|\.zst)?", re.I | re.DOTALL)
MOST_FILES = 10_000
VALUES = "write the value itself; the pages SQL and Boards have $from and $to"
ASK = "ask with SELECT; a PIVOT names its values: ON hour IN (1, 2)"
NO_FILE = "ask FROM a table: SHOW TABLES lists them; `logpond sql` reads data files as well"
OF_TABLE = "ask FROM the table, whose rows are those of the version that you ask for"


@dataclass(frozen=True)
class Query:
    """A statement that DuckDB may run, and the data files that it names, globs too.

    `tables` are the names that it has for tables. `opens` is what reads a file in it, as
    `read_csv()`; empty where nothing does. `counts` is set where it counts the rows of one table:
    its name, and the column's. `wanted` is what it wants of `logs`, where that is plain.
    """

    statement: duckdb.Statement
    files: frozenset[str]
    counts: tuple[str, str] | None
    wanted: Wanted | None = None
    tables: frozenset[str] = frozenset()
    opens: str = ""

    def without_files(self) -> None:
        """Raises SettingsError where it reads a file: not all rows of one are rows of a table."""
        if self.opens:
            why = "reads files, or may" if self.opens.endswith("()") else "is a file"
            raise SettingsError(f"out of reach for a statement: {self.opens[:200]} {why}", NO_FILE)


def query(statement: Statement, parameters: Collection[str] = ()) -> Query:
    """The statement as a query; SettingsError where it is more than one, or a part is none.

    Of its parameters, as `$from`, each is to be a variable of the connection that runs it.
    """
    with _parser().cursor() as connection:
        inner = connection.extract_statements(statement.explained)
        if len(inner) != 1:
            raise SettingsError(f"{len(inner)} statements were given", "give one at a time")
        tree = _tree(connection, inner[0])
        text = _with_variables(inner[0].query, tree, parameters)
        # comments are told apart by DuckDB alone, so the words before are put together anew
        asked = connection.extract_statements(f"{statement.explains}{text}")
        count = _tree(connection, connection.extract_statements(counted.COUNT)[0])
        trees = [tree, *_inner(connection, tree)]
    if any(node not in QUERIES for one in trees for node in _nodes(one)):
        raise SettingsError(f"a statement only reads, and {statement.verb} writes here", ASK)
    counts = None if statement.explains else counted.whole_table(tree, count)
    found = named.named(trees)
    files = frozenset(filter(DATA_FILE.fullmatch, found.texts))
    return Query(asked[0], files, counts, of_statement(tree), found.tables, found.opens)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Returns what parses statements and runs none: to open one takes 20 ms of a processor."""
    return connect()


@contextmanager
def confined(
    reach: Collection[str], limits: Sql | None, **config: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads these files, and below these folders, and whose settings stay.

    Where one of them is a link, what it leads to must be in `reach` as well.

    What it does ends when nobody waits for it any more. Raises SettingsError for what it refuses,
    and where an answer takes longer than the limits.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(connect())
        for name, value in {**config, **_bounds(stack, limits)}.items():
            connection.execute(f"SET {name} = {literal(value)}")
        folders = {path for path in reach if Path(path).is_dir()}
        connection.execute(f"SET allowed_directories = [{_listed(folders)}]")
        connection.execute(f"SET allowed_paths = [{_listed({*reach} - folders)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        stack.enter_context(_in_time(connection, limits))
        stack.enter_context(asker().calling(connection.interrupt))
        yield connection


def tables(places: Places) -> list[str]:
    """The folders of a lake's tables, and the files that are tables by a name of their own.

    No folder at a URL, where DuckDB opens no file by itself.
    """
    return [*folders(places), *registered(places)]


def registered(places: Places) -> list[str]:
    """The files that are tables by a name of their own."""
    known = filter(None, (file_tables.known(places, n) for n in file_tables.names(places)))
    return [file for table in known for file in table.files]


def folders(places: Places) -> list[str]:
    """The folders of a lake's tables; none at a URL."""
    return [] if is_url(places.lake) else [*map(places.table, pinned.names(places))]


def outside(places: Places, names: Collection[str]) -> None:
    """Raises SettingsError where one of these files is in the folder of a table.

    What lies there may be deleted from the table, or not be of the version that is asked for.
    """
    tables = {f"{whole_one}/" for folder in folders(places) for whole_one in whole([folder])}
    for name in names:
        if any(path.startswith(table) for path in whole([name]) for table in tables):
            raise SettingsError(f"{name[:200]} is in the folder of a table", OF_TABLE)


def regular(names: Iterable[str]) -> list[str]:
    """Names and globs, and the regular data files behind them; SettingsError for too many."""
    found: list[str] = []
    for name in names:
        found += [name, *(file for file in _behind(name) if DATA_FILE.fullmatch(file))]
        if len(found) > MOST_FILES:
            raise SettingsError(f"{name} means over {MOST_FILES:,} files", "name fewer")
    return found


def _tree(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> Any:
    """Returns DuckDB's parse tree of a statement; nothing where it is not a query."""
    if statement.type != duckdb.StatementType.SELECT:
        return {"type": f"{statement.type.name}_NODE"}
    try:
        return syntax.tree(connection, statement.query)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _inner(connection: duckdb.DuckDBPyConnection, tree: Any) -> Iterator[Any]:
    """Yields the trees of statements that are texts in it, and of those in them."""
    for text in named.inner(tree):
        for statement in connection.extract_statements(text):
            yield (found := _tree(connection, statement))
            yield from _inner(connection, found)


def _with_variables(sql: str, tree: Any, parameters: Collection[str]) -> str:
    try:
        return syntax.with_variables(sql, tree, parameters)
    except ValueError as error:
        known = ", ".join(f"${name}" for name in parameters)
        remedy = (
            f"there are {known}"
            if known
            else "write the value itself; the pages SQL and Boards have $from and $to"
        )
        raise SettingsError(str(error), remedy) from None


def _nodes(tree: Any) -> Iterator[str]:
    """The kinds of all queries and statements in it."""
    for part in syntax.parts(tree):
        if str(part.get("type", "")).endswith("_NODE"):
            yield part["type"]


def _behind(name: str) -> list[str]:
    named = Path(name)
    found = Path(named.anchor).glob(str(named.relative_to(named.anchor)))
    with suppress(ValueError, OSError):
        return [str(file) for file in found if file.is_file()]
    return []


def whole(paths: Iterable[str]) -> set[str]:
    """Paths from the root on, as they are named, and as they are without links."""
    return {of(path) for path in paths for of in (os.path.abspath, os.path.realpath)}


def _listed(paths: Iterable[str]) -> str:
    """Paths as they are, and as they have to be given: both are asked for when one is read."""
    return ", ".join(map(literal, sorted({of for path in paths for of in (path, one_file(path))})))


def _bounds(stack: ExitStack, limits: Sql | None) -> dict[str, str]:
    if limits is None:
        return {}
    bounds = {"memory_limit": f"{limits.memory_mb}MB", "temp_directory": ""}
    with suppress(OSError):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="logpond-sql-"))
        room = f"{limits.temp_mb}MB"
        bounds |= {"temp_directory": str(Path(folder)), "max_temp_directory_size": room}
    return bounds


@contextmanager
def _in_time(connection: duckdb.DuckDBPyConnection, limits: Sql | None) -> Iterator[None]:
    if limits is None:
        yield
        return
    timer = threading.Timer(limits.seconds, connection.interrupt)
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        raise too_long(limits) from None
    finally:
        timer.cancel()
