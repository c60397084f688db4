"""The project's own source, read as trees: files, functions, imports, lines of code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("producer", "streaming", "batch", "anomaly", "analytics", "gateway")
ROOMS = ("lakehouse", *PROGRAMS, "cli", "logpond")
FILES = sorted(f for room in ROOMS for f in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(file: Path) -> str:
    """A file's path from the root of the project."""
    return file.relative_to(ROOT).as_posix()


def module(file: Path) -> str:
    """A file's name as it is imported."""
    return name(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module(file): file for file in FILES}


@cache
def text(file: Path) -> str:
    """The content of a file."""
    return file.read_text()


@cache
def tree(file: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(text(file), name(file))


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """Every node of a file's syntax."""
    return tuple(ast.walk(tree(file)))


@cache
def typing_only(file: Path) -> frozenset[ast.AST]:
    """The nodes under `if TYPE_CHECKING`, which are never run."""
    guards = [
        n for n in nodes(file) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    ]
    return frozenset(inner for guard in guards for n in guard.body for inner in ast.walk(n))


@cache
def imported(file: Path, running: bool = False) -> frozenset[str]:
    """Every module that a file imports, also within functions; names of modules of ours in full.

    `running` leaves out what is imported for type checkers only.
    """
    found: set[str] = set()
    hidden = typing_only(file) if running else frozenset()
    for node in nodes(file):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}: relative import"
            found |= {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
    return frozenset(found)


@cache
def arrows(file: Path) -> frozenset[str]:
    """The modules of ours that a file imports while it runs: the most exact name of each."""
    found = set()
    for node in nodes(file):
        if node in typing_only(file):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            exact = {f"{node.module}.{alias.name}" for alias in node.names}
            whole = {str(node.module)} if exact - MODULES.keys() else set()
            found |= exact | whole
    return frozenset((found & MODULES.keys()) - {module(file)})


def circles(graph: dict[str, frozenset[str]]) -> list[list[str]]:
    """The modules that reach themselves along the arrows, each group of them once."""
    reached = {start: reachable(graph, start) for start in graph}
    groups = {
        tuple(sorted(other for other in ends if start in reached[other]))
        for start, ends in reached.items()
        if start in ends
    }
    return sorted(map(list, groups))


def reachable(graph: dict[str, frozenset[str]], start: str) -> set[str]:
    """Everything that can be reached from a module along one arrow or more."""
    found: set[str] = set()
    ahead = [*graph[start]]
    while ahead:
        if (at := ahead.pop()) not in found:
            found.add(at)
            ahead += graph[at]
    return found


def room(imported_name: str) -> str:
    """The first part of a module's name."""
    return imported_name.split(".")[0]


def functions(file: Path) -> Iterator[Function]:
    """Every function of a file."""
    return (n for n in nodes(file) if isinstance(n, Function))


def lines_of_code(file: Path, node: ast.AST | None = None) -> int:
    """Lines of a file, or of a node in it, that are no docstring, no comment and not empty."""
    of = node or tree(file)
    lines = text(file).splitlines()
    counted = set(range(getattr(of, "lineno", 1), (getattr(of, "end_lineno", 0) or len(lines)) + 1))
    for inner in ast.walk(of):
        if isinstance(inner, ast.Module | ast.ClassDef | Function) and ast.get_docstring(inner):
            docstring = inner.body[0]
            counted -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return sum(1 for n in counted if not re.match(r"\s*(#|$)", lines[n - 1]))


def names_used(file: Path) -> set[str]:
    """Every name and attribute that stands in a file."""
    attributes = {n.attr for n in nodes(file) if isinstance(n, ast.Attribute)}
    return attributes | {n.id for n in nodes(file) if isinstance(n, ast.Name)}


def public(of: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Public classes and functions, those in public classes too."""
    for node in ast.iter_child_nodes(of):
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def folders(files: Iterable[Path]) -> dict[str, int]:
    """How many files each folder has, those that only make it a package not counted."""
    counts: dict[str, int] = {}
    for file in files:
        counts[name(file.parent)] = counts.get(name(file.parent), 0) + (file.name != "__init__.py")
    return counts
