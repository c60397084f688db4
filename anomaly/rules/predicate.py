"""A condition in SQL on rows of `logs`: one that only looks at the row that it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from lakehouse.duck import connect
from lakehouse.tables.catalog import LOGS


@cache
def check(sql: str) -> None:
    """Raises ValueError for what is more than a condition, reads anything else, or varies.

    What is random, or goes by the clock, would give history another answer than live.
    """
    with connect() as connection:
        try:
            _check(connection, sql)
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"this is no condition on a row of logs: {first[:200]}") from None


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.register(LOGS.name, LOGS.columns.empty_table())
    asked = f"SELECT * FROM {LOGS.name} WHERE (\n{sql}\n)"
    if len(connection.extract_statements(asked)) != 1:
        raise ValueError("this is more than one statement: give a condition on a row alone")
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [asked]).fetchall()
    tree = json.loads(text)
    if tree.get("error", True):
        raise ValueError(f"this cannot be parsed: {str(tree.get('error_message'))[:200]}")
    parts = [*_parts(tree)]
    if sum(str(part.get("type", "")).endswith("_NODE") for part in parts) != 1:
        raise ValueError("a condition looks at its row alone: leave the query in it out")
    steady = _steady(connection)
    for part in parts:
        name = part.get("function_name")
        if part.get("class") == "FUNCTION" and name not in steady and not part.get("is_operator"):
            raise ValueError(f"{str(name)[:60]}() is no function of a row alone: leave it out")
        if part.get("class") == "COLUMN_REF" and not _columns(part) & {*LOGS.columns.names}:
            raise ValueError(f"{part['column_names'][0][:60]} is no column of logs")
    connection.sql(asked)


def _columns(reference: dict[str, Any]) -> set[str]:
    """Returns the names that may be its column: `logs.level` has it second."""
    return {name.lower() for name in reference["column_names"][:2]}


def _steady(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Returns the names of functions of a row whose answer depends on what they are given alone."""
    rows = connection.sql(
        "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro') "
        "GROUP BY 1 HAVING bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT')"
    ).fetchall()
    return {name for (name,) in rows} - _OF_THE_MACHINE


# Some go by the clock or the machine although their stability does not say so.
_OF_THE_MACHINE = {"age", "getenv", "getvariable", "current_setting", "nextval", "version"}


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    for below in tree if isinstance(tree, list) else ():
        yield from _parts(below)
