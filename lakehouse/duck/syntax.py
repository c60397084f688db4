"""What DuckDB's own parser makes of a text: its tree, for whoever has to know what is asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb


def tree(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Returns the tree of a statement that reads. Raises ValueError, with why, for what is none."""
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    found: dict[str, Any] = json.loads(text)
    if found.get("error", True):
        raise ValueError(str(found.get("error_message", "this cannot be parsed")))
    return found


def with_variables(sql: str, tree: Any, names: Collection[str]) -> str:
    """Returns a statement that asks for variables of its connection where it has parameters.

    `tree` is that of the statement. A value is never part of the text: `$from` becomes
    `getvariable('from')`. Raises ValueError for a parameter that is none of `names`.
    """
    text = sql.encode()
    found = (part for part in parts(tree) if part.get("class") == "PARAMETER")
    # one that the parser uses twice, as that of CASE, is there twice
    at = {(p["query_location"], p["query_location_length"], p["identifier"]) for p in found}
    for start, length, name in sorted(at, reverse=True):
        written = text[start : start + length].decode(errors="replace")
        if name not in names or written != f"${name}":
            raise ValueError(f"there is no value for the parameter {written}")
        text = text[:start] + f"getvariable('{name}')".encode() + text[start + length :]
    return text.decode()


def parts(of: Any) -> Iterator[dict[str, Any]]:
    """Yields a tree, and each part of it: what has parts comes before them."""
    if isinstance(of, dict):
        yield of
        of = list(of.values())
    for below in of if isinstance(of, list) else ():
        yield from parts(below)
