"""What a statement wants of the files of `logs`, by DuckDB's own parse tree.

Only a SELECT from `logs` and nothing else is looked into, and of its WHERE only what is plain: a
column compared with a text, by =, IN, LIKE, ILIKE, contains, starts_with, ends_with. None for all
others, whose files are all read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lakehouse.duck import syntax
from lakehouse.skipping.wanted import Wanted, both, either, parts, value
from lakehouse.tables.catalog import LOGS

WILD = re.compile("[%_]")
LIKE, WITHIN = ("~~", "~~*"), ("contains", "starts_with", "prefix", "ends_with", "suffix")
# What a FROM of one table says, and where it stands in the text.
FROM = {"type", "alias", "table_name", "qualified_name", "query_location", "query_location_length"}
Tree = dict[str, Any]


def of_statement(tree: Tree) -> Wanted | None:
    """Returns what a statement wants of the files of `logs`, which it then need not all see."""
    statements = tree.get("statements") or [{}]
    node = statements[0].get("node") or {}
    table = node.get("from_table") or {}
    if len(statements) != 1 or not _is_of_logs_alone(tree, node, table):
        return None
    names = {str(table.get("alias") or LOGS.name).lower(), LOGS.name}
    given = {str(part.get("alias") or "").lower() for part in node.get("select_list") or ()}
    where = node.get("where_clause")
    return _Reading(names, {*LOGS.columns.names} - given).of(where) if where else None


def _is_of_logs_alone(tree: Tree, node: Tree, table: Tree) -> bool:
    others = {name for name, of in table.items() if of and name not in FROM}
    is_plain = node.get("type") == "SELECT_NODE" and not others
    tables = [part for part in syntax.parts(tree) if part.get("type") == "BASE_TABLE"]
    path = (table.get("qualified_name") or {}).get("path")
    alias = str(table.get("alias") or "").lower()
    return (
        is_plain
        and len(tables) == 1
        and table.get("type") == "BASE_TABLE"
        and str(table.get("table_name")).lower() == LOGS.name
        and len(path or [""]) == 1
        and not _has_ctes(tree)
        and alias not in LOGS.columns.names
    )


def _has_ctes(tree: Tree) -> bool:
    return any((part.get("cte_map") or {}).get("map") for part in syntax.parts(tree))


class _Reading:
    """Reads conditions on `columns` of a table that has some `names`."""

    def __init__(self, names: set[str], columns: set[str]) -> None:
        self._names, self._columns = names, columns

    def of(self, condition: Tree) -> Wanted | None:
        """Returns what a condition wants."""
        kind, children = condition.get("type"), condition.get("children") or []
        if kind == "CONJUNCTION_AND":
            return both([self.of(child) for child in children])
        if kind == "CONJUNCTION_OR":
            return either([self.of(child) for child in children])
        if kind == "COMPARE_EQUAL":
            return self._equal(condition["left"], condition["right"])
        if kind == "COMPARE_IN":
            return either([self._is(children[0], one) for one in children[1:]])
        return self._function(condition) if kind == "FUNCTION" else None

    def _equal(self, left: Tree, right: Tree) -> Wanted | None:
        return self._is(left, right) or self._is(right, left)

    def _is(self, of: Tree, given: Tree) -> Wanted | None:
        column, text = self._column(of), _text(given)
        return None if column is None or text is None else value(column, text)

    def _function(self, called: Tree) -> Wanted | None:
        arguments = _arguments(called)
        if len(arguments) != 2:
            return None
        column, text = self._column(arguments[0]), _text(arguments[1])
        name = called.get("function_name")
        if column is None or text is None or "\\" in text:
            return None
        if name in LIKE:
            return parts(column, WILD.split(text))
        return parts(column, [text]) if name in WITHIN else None

    def _column(self, of: Tree) -> str | None:
        """Returns the name of a column, also of one that is put in lower case."""
        if of.get("type") == "FUNCTION" and of.get("function_name") == "lower":
            (of,) = _arguments(of) if len(_arguments(of)) == 1 else ({},)
        names = [str(name).lower() for name in of.get("column_names") or ()]
        if of.get("type") != "COLUMN_REF" or not names or {*names[:-1]} - self._names:
            return None
        return names[-1] if len(names) <= 2 and names[-1] in self._columns else None


def _arguments(called: Tree) -> list[Tree]:
    found: Iterable[Tree] = called.get("arguments") or ()
    return [each.get("expression") or {} for each in found]


def _text(of: Tree) -> str | None:
    literal = of.get("literal") or {}
    is_text = of.get("type") == "VALUE_CONSTANT" and literal.get("kind") == "STRING"
    return str(literal["text"]) if is_text else None
