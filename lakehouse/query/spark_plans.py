"""Which of Spark's plans only read the lake: a list of nodes, of table functions, of names.

A plan is what Spark's parser makes of a statement, before any part of it runs or is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakehouse.errors import SettingsError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUERIES = _words("""
    Aggregate Distinct Except Filter Generate GlobalLimit Intersect Join LateralJoin LocalLimit
    LocalRelation Offset OneRowRelation PipeOperator Pivot Project RepartitionByExpression Sample
    Sort SubqueryAlias Tail Union UnresolvedHaving UnresolvedHint UnresolvedInlineTable
    UnresolvedRelation UnresolvedSubqueryColumnAliases UnresolvedTVFAliases
    UnresolvedTableValuedFunction UnresolvedWith Unpivot WithWindowDefinition
""")
LOOKS = _words("""
    CurrentNamespace$ DescribeColumn DescribeFunction DescribeQueryCommand DescribeRelation
    ExplainCommand ShowColumns ShowCreateTable ShowFunctions ShowNamespacesCommand
    ShowTableProperties ShowTables ShowViews UnresolvedFunctionName UnresolvedNamespace
    UnresolvedTableOrView
""")
ABOUT = _words("""
    DescribeDeltaDetailCommand DescribeDeltaHistory UnresolvedPathBasedDeltaTable UnresolvedTable
""")
# What an EXPLAIN or a DESCRIBE is about is no child of its plan.
HELD = {"ExplainCommand": "logicalPlan", "DescribeQueryCommand": "plan"}
NAMED = ("UnresolvedRelation", "UnresolvedTableOrView")
TABLE_FUNCTIONS = _words("""
    collations explode explode_outer inline inline_outer json_tuple posexplode posexplode_outer
    range sql_keywords stack variant_explode variant_explode_outer
""")
# They call any method of the JVM, or open a file that an option names.
CALLS = _words("""
    from_avro from_protobuf from_xml java_method reflect schema_of_avro schema_of_xml to_avro
    to_protobuf try_reflect
""")
ASK = "ask with SELECT; tables go by their names alone, as in FROM logs"


def check(plan: Any, is_about: bool = False) -> None:
    """SettingsError where a plan, or any part of it, is not of those that only read the lake."""
    if is_about:
        _refuse([kind for kind, _ in _nodes(plan) if kind not in ABOUT])
        return
    for kind, node in _nodes(plan):
        _refuse([kind] if kind not in QUERIES | LOOKS else [])
        if kind in NAMED and node.multipartIdentifier().size() > 1:
            _refuse([node.multipartIdentifier().mkString(".")])
        if kind == "UnresolvedTableValuedFunction":
            _refuse({_last(node.name())} - TABLE_FUNCTIONS)
        _refuse({name for one in _each(node.expressions()) for name in _called(one)} & CALLS)


def _refuse(found: Any) -> None:
    if found:
        raise SettingsError(
            f"a statement only reads tables of the lake, and this one has {min(found)}", ASK
        )


def _nodes(plan: Any) -> Iterator[tuple[str, Any]]:
    """Each node of a plan and its class, also in subqueries, in WITH, and in an EXPLAIN."""
    kind = plan.getClass().getSimpleName()
    yield kind, plan
    held = [getattr(plan, HELD[kind])()] if kind in HELD else []
    inner = [] if held else _each(plan.innerChildren())
    for below in (*held, *_each(plan.children()), *inner):
        yield from _nodes(below)


def _called(expression: Any) -> Iterator[str]:
    """The names of all functions that an expression calls."""
    if expression.getClass().getSimpleName() == "UnresolvedFunction":
        yield _last(expression.nameParts())
    for below in _each(expression.children()):
        yield from _called(below)


def _each(sequence: Any) -> list[Any]:
    return [sequence.apply(at) for at in range(sequence.size())]


def _last(parts: Any) -> str:
    return str(parts.last()).lower()
