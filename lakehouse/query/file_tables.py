"""Tables that are files as they lie there, by a name that `logpond discover --register` gave.

What is kept is a description, an object a table in the lake: which files, how they are read, and
which type each column is taken for. A value that is not of it is NULL, to both engines alike.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from lakehouse.duck import connect, literal, quoted
from lakehouse.duck.text_files import read_csv, read_ndjson
from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.store import durable, objects
from lakehouse.tables.catalog import TABLES
from lakehouse.terminal.times import NOW, Moment

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
FILE = "_logpond_file"
DUCKDB = {
    "integer": "CASE WHEN NOT contains({0}, '.') THEN TRY_CAST({0} AS BIGINT) END",
    "number": "TRY_CAST({0} AS DOUBLE)",
    "time": "TRY_CAST({0} AS TIMESTAMPTZ)",
    "clf time": "try_strptime(trim({0}, '[]'), '%d/%b/%Y:%H:%M:%S %z')",
    "boolean": "TRY_CAST({0} AS BOOLEAN)",
    "text": "{0}",
}


class FileTable(msgspec.Struct, frozen=True):
    """A table of files: the type of each column, a key of `DUCKDB`, and the keys that folders name.

    Files that came after it was registered are none of it.
    """

    name: str
    format: Literal["csv", "ndjson"]
    files: list[str]
    columns: dict[str, str]
    partitions: list[str] = []
    delimiter: str = ","
    header: bool = True

    def at(self, moment: Moment) -> FileTable:
        """Returns the table. Raises SettingsError for an earlier moment, which no file keeps."""
        if moment != NOW:
            raise SettingsError(
                f"{self.name} is files, which have no versions",
                "ask as of now, without a version or a time, or import them",
            )
        return self

    def duckdb(self) -> str:
        """The SELECT of its rows in DuckDB's words."""
        names, more = [*self.columns], f"filename = '{FILE}'"
        call = (
            read_csv(self.files, names, self.delimiter, self.header, more)
            if self.format == "csv"
            else read_ndjson(self.files, names, more)
        )
        typed = [
            f"{DUCKDB[kind].format(quoted(name))} AS {quoted(name)}"
            for name, kind in self.columns.items()
        ]
        keys = [
            f"regexp_extract({FILE}, {literal(of_folder(key))}, 1) AS {quoted(key)}"
            for key in self.partitions
        ]
        empty = f"coalesce({', '.join(map(quoted, names))}) IS NULL"
        return f"SELECT {', '.join([*typed, *keys])} FROM {call} WHERE NOT ({empty})"


def register(places: Places, table: FileTable) -> bool:
    """Keep a table under its name; whether it took the place of another one of files.

    Raises SettingsError for a name that SQL would not take, or that a table of the lake has.
    """
    _check(places, table.name)
    name = _object(table.name)
    replaced = objects.get(objects.reader(places.catalog), name) is not None
    durable.put(places, places.catalog, name, msgspec.json.encode(table))
    return replaced


def unregister(places: Places, name: str) -> None:
    """Forget a table, whose files stay; TableError where there is none of that name."""
    if known(places, name) is None:
        there = ", ".join(names(places)) or "none"
        raise TableError(f"no files are registered as {name}", f"registered are: {there}")
    objects.delete(objects.reader(places.catalog), _object(name))


def known(places: Places, name: str) -> FileTable | None:
    """The table of a name, in whatever case; None where there is none."""
    if not NAME.fullmatch(name):
        return None
    return _read(places, _object(name))


def names(places: Places) -> list[str]:
    """The names of all of them, in order."""
    at = objects.reader(places.catalog)
    tables = (_read(places, name) for name in sorted(objects.names(at, "")))
    return [table.name for table in tables if table]


def _read(places: Places, name: str) -> FileTable | None:
    content = objects.get(objects.reader(places.catalog), name)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=FileTable)
    except msgspec.DecodeError as error:
        raise TableError(
            f"{places.catalog_file(name)} is not readable: {error}",
            "delete it, and register the files again with `logpond discover --register`",
        ) from None


def _check(places: Places, name: str) -> None:
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"{name[:64]!r} is no name of a table", "write it with letters, digits and _"
        )
    taken = {one.lower() for one in (*TABLES, *pinned.names(places))}
    if name.lower() in taken:
        raise SettingsError(f"{name} is a table of the lake", "give another name")
    with connect() as connection:
        reserved = "SELECT 1 FROM duckdb_keywords() WHERE keyword_name = lower(?) AND "
        reserved += "keyword_category = 'reserved'"
        if connection.execute(reserved, [name]).fetchone():
            raise SettingsError(f"{name} is a word of SQL", "give another name")


def _object(name: str) -> str:
    return f"{name.lower()}.json"


def of_folder(key: str) -> str:
    """The pattern that finds the value of a key in a path."""
    return f"/{key}=([^/]+)/"
