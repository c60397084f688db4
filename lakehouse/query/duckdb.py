"""SQL without a JVM: DuckDB over the files of pinned Delta versions. Nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from lakehouse.duck import connect, quoted, scanned
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.past import State, sources
from lakehouse.paths import Places, is_url
from lakehouse.query import (
    about,
    confined,
    counted,
    file_tables,
    once,
    open_windows,
    pinned,
    values,
)
from lakehouse.query.limits import not_of_logs, too_large
from lakehouse.query.search import DUCKDB, Node, condition
from lakehouse.query.statement import Kind, Statement
from lakehouse.settings import Sql
from lakehouse.skipping import choose
from lakehouse.skipping.wanted import Wanted, both, of_query
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import ROLLUPS, Rollup
from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import Moment

NO_TIMES: Mapping[str, datetime] = {}
STORED = "logs stored"
UNKNOWN = re.compile(r"Table with name \"?(.+?)\"? does not exist")


def ask(
    places: Places,
    statement: Statement,
    moment: Moment,
    limits: Sql | None = None,
    where: Node | None = None,
    may_name_files: bool = True,
    times: Mapping[str, datetime] = NO_TIMES,
) -> pa.Table:
    """The answer to one statement that reads, over each table that it names at a moment.

    Of `logs` it has the rows that fit `where`. `times` are its parameters by name. Raises
    SettingsError where it takes more than `limits`, or does not read the `logs` that `where` is
    about.
    """
    if statement.kind is Kind.ABOUT:
        return about.ask(places, statement, limits)
    try:
        query = confined.query(statement, times)
        if query.counts and where is None and (rows := counted.ask(places, query.counts, moment)):
            return scanned.noted(rows, scanned.Scanned())
        if not may_name_files:
            query.without_files()
        tables = _named(places, query.tables, moment) if query.opens else {}
        reach = _reach(places, query, tables)
        with confined.confined(reach, limits, **scanned.SETTINGS) as connection:
            for name, at in times.items():
                connection.execute(f"SET VARIABLE {quoted(name)} = ?::TIMESTAMPTZ", [at])
            read = _Reading(connection, places, moment, where, query.wanted, tables)
            found = _fetched(values.exact(read.bound(query.statement)), limits)
            found = sources.noted(found, moment, read.tables.values())
            return scanned.noted(found, scanned.last(connection, is_url(places.lake)))
    except duckdb.Error as error:
        raise _in_words(places, error) from error


@contextmanager
def opened(
    places: Places, statement: Statement, moment: Moment, limits: Sql | None, zone: str
) -> Iterator[duckdb.DuckDBPyRelation]:
    """Yields the rows of one statement that reads, which are read as they are taken, in the block.

    It names tables of the lake, and no file; `zone` is that of times as text. Raises SettingsError
    where it takes longer than the limits, also with what is done in the block.
    """
    try:
        query = confined.query(statement)
        if query.counts and (rows := counted.ask(places, query.counts, moment)):
            with connect() as connection:
                yield connection.from_arrow(rows)
            return
        query.without_files()
        reach = _reach(places, query, {})
        with confined.confined(reach, limits, TimeZone=zone) as connection:
            read = _Reading(connection, places, moment, None, query.wanted)
            yield read.bound(query.statement)
    except duckdb.Error as error:
        raise _in_words(places, error) from error


def _reach(places: Places, query: confined.Query, tables: Mapping[str, State]) -> set[str]:
    """What DuckDB may open: tables whole, or, where files are named, these and those of `tables`.

    Only views open files where none is named. Else a glob could find what is in no table any more.
    """
    if not query.opens:
        return confined.whole(confined.tables(places))
    named = confined.regular(query.files)
    confined.outside(places, named)
    roots = () if is_url(places.lake) else tables.items()
    files = [file for name, at in roots for file in at.pinned(places.table(name)).files]
    return confined.whole([*confined.registered(places), *named, *files])


def _named(places: Places, names: Collection[str], moment: Moment) -> dict[str, State]:
    """Returns the tables of these names at a moment, with a schema before them or not."""
    found: dict[str, State] = {}
    for name in sorted({*names, *(one.rpartition(".")[2] for one in names)}):
        known = pinned.known(places, LOGS.name if once.is_once(name) else name)
        if known and known not in found:
            with suppress(TableError):  # which is raised where it is read, if it is
                found |= open_windows.pin(places, known, moment)
    return found


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


@dataclass
class _Reading:
    """Tables of a lake at a moment as views of a connection, each made once it is missed."""

    connection: duckdb.DuckDBPyConnection
    places: Places
    moment: Moment
    where: Node | None
    wanted: Wanted | None = None
    tables: dict[str, State] = field(default_factory=dict)
    is_narrowed: bool = False
    has_logs: bool = False

    def bound(self, asked: duckdb.Statement) -> duckdb.DuckDBPyRelation:
        """The relation of a statement, with a view for each table that DuckDB says it misses."""
        views: set[str] = set()
        while True:
            try:
                found = self.connection.sql(asked)
            except duckdb.CatalogException as error:
                missing = UNKNOWN.search(str(error))
                if missing is None or missing[1] in views:
                    raise
                views.add(missing[1])
                if not self._create_view(missing[1]):
                    raise
                continue
            if self.where and not self.is_narrowed:
                raise not_of_logs()
            return found

    def _create_view(self, missing: str) -> bool:
        """Make a table of a name; False where there is none."""
        if files := file_tables.known(self.places, missing):
            self._view(files.name, files.at(self.moment).duckdb())
            return True
        if once.is_once(missing):
            if not self.has_logs and not self._create_view(LOGS.name):
                raise pinned.absent(self.places, LOGS.name)
            self._view(once.ONCE, once.select("EXCLUDE"))
            return True
        name = pinned.known(self.places, missing)
        if name is None:
            return False
        self.tables |= {n: t for n, t in self._pinned(name).items() if n not in self.tables}
        if name in ROLLUPS:
            self._create_rollup(ROLLUPS[name])
        elif name == LOGS.name:
            self._create_logs()
        else:
            at = self.tables[name]
            at.pinned(self.places.table(name)).create_view(self.connection, name)
        return True

    def _pinned(self, name: str) -> dict[str, State]:
        return open_windows.pin(self.places, name, self.moment)

    def _create_logs(self) -> None:
        """The rows that are asked for; columns that came after this version are NULL in it."""
        at, self.has_logs = self.tables[LOGS.name], True
        every = at.pinned(self.places.table(LOGS)).with_columns(LOGS.columns)
        wanted = both([self.wanted, of_query(self.where) if self.where else None])
        logs = choose.files(self.places, every, wanted)
        if self.where is None:
            logs.create_view(self.connection, LOGS.name)
            return
        logs.create_view(self.connection, STORED)
        fitting, self.is_narrowed = condition(self.where, DUCKDB), True
        self._view(LOGS.name, f"SELECT * FROM {quoted(STORED)} WHERE {fitting}")

    def _create_rollup(self, rollup: Rollup) -> None:
        """The stored rows of a rollup and its open windows."""
        name, at = rollup.name, self.tables[rollup.name]
        stored, opened = f"{name} stored", f"{name} open"
        rows = open_windows.open_part(self.places, rollup, self.tables, self.moment)
        self.connection.register(opened, rows)
        at.pinned(self.places.table(name)).create_view(self.connection, stored)
        self._view(name, open_windows.union(rollup, at, quoted(stored), quoted(opened), quoted))

    def _view(self, name: str, select: str) -> None:
        self.connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {select}")


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
