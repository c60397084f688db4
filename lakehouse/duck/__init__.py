"""DuckDB over pinned Delta versions, for whoever reads without a JVM. Nothing is downloaded."""

from __future__ import annotations

import duckdb

from lakehouse.duck.types import literal, one_file, quoted
from lakehouse.duck.view import Pinned, create_view

# Files that a query names may be read, as by any program of the person who asks.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of its own, in UTC."""
    connection = duckdb.connect(config=CONFIG)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


__all__ = ["Pinned", "connect", "create_view", "literal", "one_file", "quoted"]
