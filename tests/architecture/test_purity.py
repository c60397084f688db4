"""A module that says that it is pure sees nothing but what it is given.

The word stands in the docstring of the module, or of a package for all modules in it.
"""

from __future__ import annotations

import ast
import re

import pytest
from support.code import (
    MODULES,
    arrows,
    functions,
    imported,
    name,
    nodes,
    reachable,
    text,
    tree,
    typing_only,
)

# Those that must say so: without the word no test would watch them.
MUST_SAY_SO = (
    r"lakehouse\.event\.(fields|access_log|routes|user_agents)",
    r"lakehouse\.decode(\.\w+)?",
    r"lakehouse\.tables(\.\w+)?",
    r"lakehouse\.query\.\w*statement",
    r"lakehouse\.query\.search(\.\w+)?",
    r"producer\.traffic\.(traffic|scenarios|faults|people|curve|decks|pace|clock)",
    r"streaming\.upkeep\.upkeep_plan",
    r"batch\.jobs\.aggregate\.(line|question)",
    r"batch\.jobs\.service_metrics\.score",
    r"batch\.formats\.(guess|names|separated)",
    r"lakehouse\.formats\.(columns|format|mapper|messages|names|reading|records|times|values)",
    r"anomaly\.engine(\.\w+)*",
    r"anomaly\.addresses(\.\w+)?",
    r"anomaly\.series\.(committee|profile|statistic|streams)",
    r"anomaly\.evaluate\.(nab|rates|inject|outcome|benchmark|labels)",
    r"anomaly\.review\.(backtest|series_of_key)",
    r"anomaly\.alerts\.alert",
    r"lakehouse\.patterns(\.\w+)?",
    r"anomaly\.patterns(\.\w+)?",
)
# The world outside: the machine, the clock, the network, files, engines, and settings.
WORLD = (
    r"(asyncio|confluent_kafka|deltalake|duckdb|httpx|obstore|os|pathlib|psutil|pyspark|shutil"
    r"|signal|socket|sqlite3|subprocess|tempfile|threading|time|urllib\.request"
    r"|lakehouse\.(settings|paths|store|runtime))(\..*)?"
)
ASKS = re.compile(r"\.(now|today|utcnow|read_text|write_text)\(|\bopen\(|\bos\.environ\b")
# Known to say more than they keep: this may only grow shorter.
BROKEN = {
    "streaming.upkeep.upkeep_plan",
}


def says_pure(module: str) -> bool:
    """Whether the docstring of a module, or of a package around it, has the word."""
    parts = module.split(".")
    around = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    docstrings = [ast.get_docstring(tree(MODULES[m])) or "" for m in around if m in MODULES]
    return any(re.search(r"\bpure\b", docstring, re.IGNORECASE) for docstring in docstrings)


PURE = sorted(module for module in MODULES if says_pure(module))


def seen_at_once(module: str) -> set[str]:
    """What of the world a module imports when it is imported itself: not within a function."""
    later = {n for d in functions(MODULES[module]) for n in ast.walk(d)}
    found = (n for n in nodes(MODULES[module]) if n not in later | typing_only(MODULES[module]))
    return world({str(n.module) for n in found if isinstance(n, ast.ImportFrom)}) | world(
        {a.name for n in nodes(MODULES[module]) if isinstance(n, ast.Import) for a in n.names}
    )


def world(modules: set[str] | frozenset[str]) -> set[str]:
    """Those of the modules that are the world outside."""
    return {module for module in modules if re.fullmatch(WORLD, module)}


def test_pure_modules_are_found() -> None:
    """By their own word or by that of their package; each that must say so does."""
    silent = [
        module
        for module in MODULES
        if any(re.fullmatch(pattern, module) for pattern in MUST_SAY_SO) and module not in PURE
    ]
    assert silent == [], 'say "Pure." in the docstring of the module, or of its package'
    for pattern in MUST_SAY_SO:
        assert any(re.fullmatch(pattern, module) for module in MODULES), f"nothing is {pattern}"


@pytest.mark.parametrize("module", sorted({*PURE} - BROKEN))
def test_pure_modules_see_nothing(module: str) -> None:
    """No session, store, settings, file, clock or environment, in no function either."""
    file = MODULES[module]
    assert world(imported(file, running=True)) == set()
    assert ASKS.findall(text(file)) == [], f"{name(file)} asks the world"


def test_pure_modules_import_no_impure_ones() -> None:
    """What they import of ours, and what that imports, needs nothing of the world to be there."""
    graph = {module: arrows(file) for module, file in MODULES.items()}
    reached = {
        module: sorted(m for m in reachable(graph, module) if seen_at_once(m))
        for module in {*PURE} - BROKEN
    }
    assert {module: impure for module, impure in reached.items() if impure} == {}
