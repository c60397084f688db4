"""Delta types as DuckDB writes them. Pure."""

from __future__ import annotations

import glob
from typing import Any

PRIMITIVES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


def duck_type(of: Any) -> str:
    """The DuckDB name of a deltalake data type."""
    if of.type == "array":
        return f"{duck_type(of.element_type)}[]"
    if of.type == "map":
        return f"MAP({duck_type(of.key_type)}, {duck_type(of.value_type)})"
    if of.type == "struct":
        return f"STRUCT({', '.join(f'{quoted(f.name)} {duck_type(f.type)}' for f in of.fields)})"
    return PRIMITIVES.get(of.type) or str(of.type).upper()


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def one_file(path: str) -> str:
    """A path as DuckDB has to be given it, so that it is that file alone.

    `lake[1]/a.parquet` is a pattern to DuckDB, which finds `lake1/a.parquet` where that is there,
    and the file of the name only where nothing fits. It takes a backslash for a slash in patterns,
    so that one with a backslash finds nothing, and is then read as the file of the name.
    """
    return path if "\\" in path else glob.escape(path)
