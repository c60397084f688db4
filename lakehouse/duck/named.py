"""What a statement may read besides tables: files, which it can name in many ways.

Only functions that are known to open no file are taken for such: what a later DuckDB brings is
refused until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse.duck import syntax

# A table of such a name would be read as a file by DuckDB, where it finds no view of that name.
OF_A_FILE = re.compile(
    r"/|\.(csv|tsv|json|jsonl|ndjson|geojson|parquet|db|ddb|duckdb)(?![A-Za-z0-9])", re.I
)
HARMLESS = {
    "duckdb_columns",
    "duckdb_constraints",
    "duckdb_databases",
    "duckdb_extensions",
    "duckdb_functions",
    "duckdb_indexes",
    "duckdb_keywords",
    "duckdb_memory",
    "duckdb_optimizers",
    "duckdb_schemas",
    "duckdb_sequences",
    "duckdb_settings",
    "duckdb_tables",
    "duckdb_types",
    "duckdb_variables",
    "duckdb_views",
    "generate_series",
    "icu_calendar_names",
    "json_each",
    "json_tree",
    "pg_timezone_names",
    "pragma_collations",
    "pragma_platform",
    "pragma_show",
    "pragma_storage_info",
    "pragma_table_info",
    "pragma_version",
    "range",
    "repeat",
    "repeat_row",
    "summary",
    "test_all_types",
    "unnest",
}
# Their first argument is the name of a table, or a list of names.
OF_TABLES = {"query_table", "histogram", "histogram_values"}
QUERY = "query"
LISTS = {"list_value", "array_value"}


@dataclass(frozen=True)
class Named:
    """Names of tables; texts that may be names of files; and what opens a file, for a person.

    `opens` is empty where nothing does.
    """

    tables: frozenset[str]
    texts: frozenset[str]
    opens: str


def named(trees: list[Any]) -> Named:
    """Returns what DuckDB's parse trees of a statement name, those of its `inner` ones as well."""
    tables, texts, opens = set[str](), set[str](), list[str]()
    for part in (part for tree in trees for part in syntax.parts(tree)):
        if part.get("type") in ("BASE_TABLE", "SHOW_REF"):
            tables.add(_path(part))
        elif part.get("type") == "TABLE_FUNCTION":
            function = part["function"]
            name, first = _name(function), _first(function)
            if name in OF_TABLES and first is not None:
                tables.update(first)
            elif name not in HARMLESS and not (name == QUERY and first is not None):
                opens.append(f"{name}()")
            texts.update(_texts(function))
    files = sorted(filter(OF_A_FILE.search, tables))
    return Named(frozenset(tables), frozenset([*texts, *files]), next(iter([*files, *opens]), ""))


def inner(tree: Any) -> Iterator[str]:
    """Yields each statement that is a text in another one: `FROM query('FROM logs')`."""
    for part in syntax.parts(tree):
        if part.get("type") == "TABLE_FUNCTION" and _name(part["function"]) == QUERY:
            yield from _first(part["function"]) or ()


def _path(part: dict[str, Any]) -> str:
    # DuckDB reads a file for `"/a/b".csv` too
    return ".".join((part.get("qualified_name") or {}).get("path") or [part["table_name"]])


def _name(function: dict[str, Any]) -> str:
    return str(function["function_name"]).lower()


def _first(function: dict[str, Any]) -> list[str] | None:
    """Returns the texts of the first argument; None where they are computed, or there is more."""
    given = [one["expression"] for one in function["arguments"]]
    if not given or (_name(function) == QUERY and len(given) > 1):
        return None
    # `query_table` takes further names behind the first
    wanted = given if _name(function) == "query_table" else given[:1]
    found = [text for one in wanted for text in _as_written(one)]
    return None if None in found else [text for text in found if text is not None]


def _as_written(expression: dict[str, Any]) -> list[str | None]:
    kind = expression.get("class")
    if kind == "CONSTANT":
        literal = expression.get("literal") or {}
        if literal.get("kind") == "STRING":
            return [str(literal["text"])]
        return [""] if literal.get("kind") == "BOOLEAN" else [None]
    if kind == "COLUMN_REF":
        return [".".join(expression["column_names"])]
    if kind == "FUNCTION" and _name(expression) in LISTS:
        return [text for one in expression["arguments"] for text in _as_written(one["expression"])]
    return [None]


def _texts(function: dict[str, Any]) -> Iterator[str]:
    literals = (part.get("literal") for part in syntax.parts(function))
    yield from (str(one["text"]) for one in literals if one and one["kind"] == "STRING")
