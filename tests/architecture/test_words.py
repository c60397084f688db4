"""What a reader is told: docstrings where there is a contract, and the words of the field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from support.code import FILES, Function, lines_of_code, name, nodes, tree

# The private vocabulary: a name that has one of these words in it is a puzzle.
NO_NAME = {
    "beside",
    "blobs",
    "book",
    "chores",
    "come",
    "lately",
    "odd",
    "restless",
    "roster",
    "said",
    "told",
    "unlike",
    "watchman",
}
# Words as any other, but for a module, a function or a class there is a better one.
NO_DEFINITION = {"again", "chosen", "held", "said", "shown", "told"}


def words(text: str) -> set[str]:
    """The words of a text or of a name, in lower case, without a plural's s."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()
    return {word.rstrip("s") for word in re.findall(r"[a-z0-9]+", apart)}


@cache
def names_used_outside(module_file: Path) -> frozenset[str]:
    """Every name that another file of ours uses."""
    return frozenset(n for f in FILES if f != module_file for n in identifiers(f))


@cache
def identifiers(file: Path) -> frozenset[str]:
    """Every name in a file: of variables, attributes, arguments, definitions."""
    found: set[str] = set()
    for node in nodes(file):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                found.add(word)
            case ast.ClassDef(name=word) | ast.FunctionDef(name=word):
                found.add(word)
            case ast.alias(name=path, asname=word):
                found.add(word or path.split(".")[-1])
    return frozenset(found)


def contracts(file: Path) -> Iterator[Function | ast.ClassDef]:
    """Public classes; public functions that other modules use; public methods of some length."""
    used = names_used_outside(file)
    for node in tree(file).body:
        is_used = isinstance(node, Function) and node.name in used
        if (is_used or isinstance(node, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
    for of in (n for n in nodes(file) if isinstance(n, ast.ClassDef) and n.name[0] != "_"):
        methods = (n for n in of.body if isinstance(n, Function) and n.name[0] != "_")
        yield from (method for method in methods if lines_of_code(file, method) > 7)


def test_contracts_are_explained() -> None:
    """Every module, public class and function that others use has a docstring."""
    silent = [
        f"{name(f)}:{node.name}"
        for f in FILES
        for node in contracts(f)
        if not ast.get_docstring(node)
    ]
    assert ([name(f) for f in FILES if not ast.get_docstring(tree(f))], silent) == ([], [])


def test_docstrings_say_more_than_the_name() -> None:
    """At least three words that are not in the name; where there is no more to say, say nothing."""
    empty = [
        f"{name(f)}:{node.name}: {docstring}"
        for f in FILES
        for node in nodes(f)
        if isinstance(node, Function | ast.ClassDef)
        and (docstring := ast.get_docstring(node))
        and len(words(docstring) - words(node.name)) < 3
    ]
    assert empty == []


def parts(name_used: str) -> list[str]:
    """The words that a name is made of."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name_used).lower().strip("_").split("_")


def definitions(file: Path) -> Iterator[str]:
    """The file's own name, and those of its functions and classes."""
    yield file.stem
    yield from (n.name for n in nodes(file) if isinstance(n, Function | ast.ClassDef))


def test_names_are_of_the_field() -> None:
    """No name of anything has a private word in it."""
    found = [f"{name(f)}: {n}" for f in FILES for n in identifiers(f) if NO_NAME & {*parts(n)}]
    assert found == []


def test_what_is_defined_has_its_own_word() -> None:
    """No module, function or class is named by a word whose meaning has a better one here."""
    found = [
        f"{name(f)}: {n}"
        for f in FILES
        for n in definitions(f)
        if n.lower().strip("_") in NO_DEFINITION
    ]
    assert found == []
