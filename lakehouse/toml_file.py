"""The TOML file of a tree of settings, made from its classes: each default stands in the code only.

    python -m lakehouse.toml_file lakehouse.settings:Settings conf/logpond.toml

The docstring under a field says what its value leads to, and becomes the comment above it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lakehouse.terminal.render import UNSAFE

GROUPED_FROM, WIDTH = 10_000, 98
BARE, NO_TEXT = re.compile(r"[A-Za-z0-9_-]+"), re.compile(r"[\ud800-\udfff]")


def render(tree: Any) -> str:
    """The text of the file: the tree's docstring, its own values, then a part for each section.

    `tree` is a pydantic model or a msgspec struct, with the values to be written.
    """
    docs = documented(type(tree))
    values = {name: getattr(tree, name) for name in docs}
    sections = {name: value for name, value in values.items() if _is_section(value)}
    own = [name for name in values if name not in sections]
    parts = [_comment(inspect.getdoc(type(tree)) or ""), _fields(tree, own, docs)]
    for name, section in sections.items():
        of = documented(type(section))
        parts.append([f"[{name}]", *_fields(section, list(of), of)])
    return "\n".join("\n".join([*part, ""]) for part in parts if part)


def documented(kind: type) -> dict[str, str]:
    """The docstring of each field of a class, in order; empty where a field has none."""
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(found, ast.ClassDef)
    docs = {}
    for node, below in zip(found.body, [*found.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            docs[node.target.id] = _docstring(below)
    return docs


def main() -> None:
    """Write the file of a class, which is named as `module:Class`."""
    (where, file) = sys.argv[1:]
    module, _, name = where.partition(":")
    kind = getattr(importlib.import_module(module), name)
    # pydantic would read the environment and the file itself
    defaults = getattr(kind, "model_construct", kind)()
    Path(file).write_text(render(defaults))


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value)).strip()
    return ""


def _fields(section: Any, names: list[str], docs: dict[str, str]) -> list[str]:
    return [line for name in names for line in _field(name, getattr(section, name), docs[name])]


def _field(name: str, value: Any, doc: str) -> Iterator[str]:
    yield from _comment(doc)
    yield f"{name} = {toml(value)}"


def _comment(doc: str) -> list[str]:
    """Each paragraph anew in lines of the file's width."""
    paragraphs = [textwrap.wrap(part, WIDTH, break_on_hyphens=False) for part in doc.split("\n\n")]
    lines = [line for part in paragraphs for line in ["", *part]][1:]
    return [f"# {line}".rstrip() for line in lines if doc]


def _is_section(value: Any) -> bool:
    return hasattr(value, "model_dump") or hasattr(value, "__struct_fields__")


def toml(value: Any) -> str:
    """A value as TOML writes it within a line; a character that no text has becomes U+FFFD."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}" if value >= GROUPED_FROM else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{key(name)} = {toml(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    secret = getattr(value, "get_secret_value", None)
    text = NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", secret() if secret else value)
    return UNSAFE.sub(lambda c: f"\\U{ord(c[0]):08x}", json.dumps(text, ensure_ascii=False))


def key(name: str) -> str:
    """The name of a value, between quotes where it needs them."""
    return name if BARE.fullmatch(name) else toml(name)


if __name__ == "__main__":
    main()
