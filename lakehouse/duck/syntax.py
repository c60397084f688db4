"""What DuckDB's own parser makes of a text: its tree, for whoever has to know what is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb


def tree(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Returns the tree of a statement that reads. Raises ValueError, with why, for what is none."""
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    found: dict[str, Any] = json.loads(text)
    if found.get("error", True):
        raise ValueError(str(found.get("error_message", "this cannot be parsed")))
    return found


def parts(of: Any) -> Iterator[dict[str, Any]]:
    """Yields a tree, and each part of it: what has parts comes before them."""
    if isinstance(of, dict):
        yield of
        of = list(of.values())
    for below in of if isinstance(of, list) else ():
        yield from parts(below)
