"""Delta types as DuckDB writes them. Pure."""

from __future__ import annotations

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
