"""The catalog of a lake as PostgreSQL would have it: a DuckDB in memory that holds names alone."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import duckdb

from analytics.postgres import types
from analytics.postgres.catalog import pg_catalog
from analytics.postgres.catalog.statements import statements
from analytics.postgres.variables import VERSION
from lakehouse.duck import CONFIG, literal, quoted
from lakehouse.errors import LogpondError
from lakehouse.http.asker import asker
from lakehouse.paths import Places
from lakehouse.query import confined, file_tables, once, pinned
from lakehouse.query.ask import opened
from lakehouse.query.statement import recognise
from lakehouse.settings import Sql
from lakehouse.tables.catalog import TABLES

MEMORY_MB, FRESH_SECONDS = 64, 30.0
# Numbers of PostgreSQL's own tables, which `'pg_class'::regclass` asks for.
OWN = {
    "pg_class": 1259,
    "pg_type": 1247,
    "pg_proc": 1255,
    "pg_attribute": 1249,
    "pg_namespace": 2615,
}
OWN |= {"pg_constraint": 2606, "pg_database": 1262, "pg_rewrite": 2618, "pg_trigger": 2620}
PG_TYPES = (
    "bool bytea int8 int2 int4 text oid json float4 float8 varchar date time timestamp timestamptz "
    "interval numeric uuid name char unknown"
)
NUMBERS = {name: getattr(types, name.upper()) for name in PG_TYPES.split()}
CATEGORIES = {"bool": "B", "date": "D", "time": "D", "interval": "T"}
ARRAYS = {"bool": 1000, "bytea": 1001, "int8": 1016, "int2": 1005, "int4": 1007, "text": 1009}
ARRAYS |= {"oid": 1028, "json": 199, "float4": 1021, "float8": 1022, "varchar": 1015, "date": 1182}
ARRAYS |= {"time": 1183, "timestamp": 1115, "timestamptz": 1185, "interval": 1187, "numeric": 1231}
ARRAYS |= {"uuid": 2951, "name": 1003}


@dataclass
class Catalog:
    """The tables of a lake with their columns, read again after half a minute."""

    places: Places
    limits: Sql
    _duck: duckdb.DuckDBPyConnection | None = None
    _read_at: float = 0.0
    _columns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def opened(self, sql: str, variables: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyRelation]:
        """Yields the rows of a statement about the catalog, or about no table at all.

        Raises SettingsError for one that does not read.
        """
        query = confined.query(recognise(sql))
        with self._cursor() as cursor:
            listed = ", ".join(f"{literal(n)}: {literal(value)}" for n, value in variables.items())
            cursor.execute(f"SET VARIABLE settings = MAP {{{listed}}}")
            timer = threading.Timer(self.limits.seconds, cursor.interrupt)
            timer.start()
            try:
                with asker().calling(cursor.interrupt):
                    yield cursor.sql(query.statement)
            finally:
                timer.cancel()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            if self._duck is None or time.monotonic() - self._read_at > FRESH_SECONDS:
                self._refresh()
            assert self._duck
            cursor = self._duck.cursor()
        try:
            cursor.execute("SET search_path = 'logpond.pgc,logpond.public'")
            yield cursor
        finally:
            cursor.close()

    def _refresh(self) -> None:
        columns = dict(self._read())
        self._read_at = time.monotonic()
        if self._duck is None or columns != self._columns:
            # cursors of the former one end by themselves
            self._duck, self._columns = _made(columns), columns

    def _read(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yields each table that can be read, with the names and types of its columns."""
        names = [*pinned.readable(self.places), *file_tables.names(self.places)]
        names += [once.ONCE] if "logs" in names else []
        for name in names:
            with (
                suppress(LogpondError, duckdb.Error),
                opened(self.places, f"SELECT * FROM {quoted(name)}", limits=self.limits) as found,
            ):
                yield name, [*zip(found.columns, map(str, found.types), strict=True)]


def _made(tables: Mapping[str, list[tuple[str, str]]]) -> duckdb.DuckDBPyConnection:
    """Returns the catalog of these tables, in which nothing else can be reached."""
    made = duckdb.connect(config={**CONFIG, "memory_limit": f"{MEMORY_MB}MB", "threads": 1})
    made.execute("ATTACH ':memory:' AS logpond")
    for schema in ("public", "pgc", "pgi"):
        made.execute(f"CREATE SCHEMA logpond.{schema}")
    made.execute("SET search_path = 'logpond.pgc,logpond.public'")
    for statement in statements(VERSION):
        made.execute(statement.replace("pgc.", "logpond.pgc.").replace("pgi.", "logpond.pgi."))
    for statement in (*_fixed(), *_rows(tables)):
        made.execute(statement)
    made.execute("SET GLOBAL TimeZone = 'UTC'")
    made.execute("SET GLOBAL temp_directory = ''")
    made.execute("SET GLOBAL enable_external_access = false")
    return made


def _fixed() -> Iterator[str]:
    """Yields the rows that every lake has."""
    spaces = {pg_catalog.PUBLIC: "public", pg_catalog.SYSTEM: "pg_catalog"}
    spaces[pg_catalog.INFORMATION] = "information_schema"
    for oid, name in spaces.items():
        yield f"INSERT INTO pgc.pg_namespace (oid, nspname) VALUES ({oid}, '{name}')"
    yield f"INSERT INTO pgc.pg_database (oid, datname) VALUES ({pg_catalog.DATABASE}, 'logpond')"
    yield f"INSERT INTO pgc.pg_roles (oid, rolname) VALUES ({pg_catalog.OWNER}, 'logpond')"
    yield f"INSERT INTO pgc.pg_user (usesysid, usename) VALUES ({pg_catalog.OWNER}, 'logpond')"
    yield "INSERT INTO pgc.pg_am (oid, amname) VALUES (2, 'heap')"
    yield "INSERT INTO pgc.pg_tablespace (oid, spcname) VALUES (1663, 'pg_default')"
    for name, oid in OWN.items():
        yield f"INSERT INTO pgc.names VALUES ('{name}', {oid})"
    listed = "oid, typname, typlen, typcategory, typarray, typinput, typoutput, typreceive, typsend"
    for name, oid in NUMBERS.items():
        kind = CATEGORIES.get(name) or ("N" if name[:3] in ("int", "flo", "num", "oid") else "S")
        kind = "D" if name.startswith("timestamp") else kind
        size, array = types.SIZES.get(oid, -1), ARRAYS.get(name, 0)
        calls = ", ".join(f"'{name}{call}'" for call in ("in", "out", "recv", "send"))
        values = f"{oid}, '{name}', {size}, '{kind}', {array}, {calls}"
        yield f"INSERT INTO pgc.pg_type ({listed}) VALUES ({values})"
        if array:
            of = f"{array}, '_{name}', -1, 'A', {oid}, 'array_in', 'array_recv'"
            into = "oid, typname, typlen, typcategory, typelem, typinput, typreceive"
            yield f"INSERT INTO pgc.pg_type ({into}) VALUES ({of})"


def _rows(tables: Mapping[str, list[tuple[str, str]]]) -> Iterator[str]:
    """Yields the rows of tables, and what is said of them."""
    for name, listed in tables.items():
        oid = 16384 + (zlib.crc32(name.encode()) & 0x3FFFFFFF)
        kind = "v" if name == once.ONCE else "r"
        values = f"{oid}, {literal(name)}, '{kind}', {len(listed)}"
        yield f"INSERT INTO pgc.pg_class (oid, relname, relkind, relnatts) VALUES ({values})"
        yield f"INSERT INTO pgc.names VALUES ({literal(name)}, {oid})"
        comments = {0: TABLES[name].comment} if name in TABLES else {}
        for number, (column, of) in enumerate(listed, 1):
            found = types.column(column, of)
            values = (
                f"{oid}, {literal(column)}, {found.oid}, {found.size}, {number}, {found.modifier}"
            )
            into = "attrelid, attname, atttypid, attlen, attnum, atttypmod"
            yield f"INSERT INTO pgc.pg_attribute ({into}) VALUES ({values})"
            if name in TABLES and (comment := _comment(name, column)):
                comments[number] = comment
        for number, comment in comments.items():
            values = f"{oid}, {OWN['pg_class']}, {number}, {literal(comment)}"
            yield f"INSERT INTO pgc.pg_description VALUES ({values})"


def _comment(table: str, column: str) -> str:
    """Returns what a column of ours means, as its schema says it."""
    columns = TABLES[table].columns
    at = columns.get_field_index(column)
    metadata = (columns.field(at).metadata or {}) if at >= 0 else {}
    return str(metadata.get(b"comment", b"").decode())
