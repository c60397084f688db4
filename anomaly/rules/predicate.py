"""A condition in SQL on rows of `logs`: one that only looks at the row that it is given."""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb

from lakehouse.duck import connect, syntax
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


@cache
def check_query(sql: str, by: tuple[str, ...]) -> None:
    """Raises ValueError for what is no query of `logs` alone with a number `value` and groups.

    It may have queries in it, but reads no file and no other table, and does not vary.
    """
    with connect() as connection:
        try:
            connection.register(LOGS.name, LOGS.columns.empty_table())
            # by itself too: what closes a bracket that it did not open is no query
            parts = _parsed(connection, sql) + _parsed(connection, f"SELECT * FROM (\n{sql}\n)")
            named = {name for part in parts for name in _given_names(part)} | {LOGS.name}
            steady = _steady(connection, "'scalar', 'macro', 'aggregate'")
            for part in parts:
                _check_table(part, named)
                _check_steady(part, steady)
            found = connection.sql(f"SELECT * FROM (\n{sql}\n)")
            missing = sorted({"value", *by} - {*found.columns})
            if missing:
                raise ValueError(f"it answers no column {missing[0]}: name one AS {missing[0]}")
            connection.sql(f"SELECT CAST(value AS DOUBLE) FROM (\n{sql}\n)").fetchall()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"this is no query of logs: {first[:200]}") from None


def _given_names(part: dict[str, Any]) -> set[str]:
    """Returns the names that a WITH gives to its queries."""
    given = part.get("cte_map") or {}
    return {one["key"] for one in given.get("map", [])}


def _check_table(part: dict[str, Any], named: set[str]) -> None:
    if part.get("type") == "BASE_TABLE":
        name = part["table_name"]
        if name not in named or part.get("schema_name") or part.get("catalog_name"):
            raise ValueError(f"a rule reads logs alone, and not {name[:60]}")
    if part.get("type") == "TABLE_FUNCTION":
        raise ValueError("a rule reads logs alone, and calls no function as a table")


def _check_steady(part: dict[str, Any], steady: set[str]) -> None:
    name = part.get("function_name")
    if part.get("class") == "FUNCTION" and name not in steady and not part.get("is_operator"):
        raise ValueError(f"{str(name)[:60]}() is no function of rows alone: leave it out")
    if part.get("class") == "COLUMN_REF" and part["column_names"][-1].lower() in _OF_THE_CLOCK:
        raise ValueError(f"{part['column_names'][-1]} is another each time: leave it out")


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.register(LOGS.name, LOGS.columns.empty_table())
    asked = f"SELECT * FROM {LOGS.name} WHERE (\n{sql}\n)"
    parts = _parsed(connection, asked)
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


def _parsed(connection: duckdb.DuckDBPyConnection, asked: str) -> list[dict[str, Any]]:
    """Returns all parts of DuckDB's parse tree of one statement that reads."""
    if len(connection.extract_statements(asked)) != 1:
        raise ValueError("this is more than one statement: give one")
    try:
        return [*syntax.parts(syntax.tree(connection, asked))]
    except ValueError as error:
        raise ValueError(f"this cannot be parsed: {str(error)[:200]}") from None


def _columns(reference: dict[str, Any]) -> set[str]:
    """Returns the names that may be its column: `logs.level` has it second."""
    return {name.lower() for name in reference["column_names"][:2]}


def _steady(connection: duckdb.DuckDBPyConnection, kinds: str = "'scalar', 'macro'") -> set[str]:
    """Returns the names of functions whose answer depends on what they are given alone."""
    rows = connection.sql(
        f"SELECT function_name FROM duckdb_functions() WHERE function_type IN ({kinds}) "
        "GROUP BY 1 HAVING bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT')"
    ).fetchall()
    return {name for (name,) in rows} - _OF_THE_MACHINE


_OF_THE_CLOCK = {
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
}
# Some go by the clock or the machine although their stability does not say so.
_OF_THE_MACHINE = {"age", "getenv", "getvariable", "current_setting", "nextval", "version"}
