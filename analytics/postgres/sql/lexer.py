"""SQL as a sequence of tokens, so that texts, names and comments are never taken for words. Pure.

What it makes of a text decides nothing about what may run: DuckDB's own parser does (decision 59).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SPACE, STRING, NAME, PARAMETER, WORD, SIGN = "space", "string", "name", "parameter", "word", "sign"
PATTERN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z))
    |(?P<name>"(?:[^"]|"")*(?:"|\Z))
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$)
    |(?P<parameter>\$\d+)
    |(?P<word>\w+)
    |(?P<sign>::|.)""",
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """A part of a statement: its kind, and its text as it stands there."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """A word in capitals; another token as it is."""
        return self.text.upper() if self.kind == WORD else self.text


def tokens(sql: str) -> Iterator[Token]:
    """Yields all tokens; together they are the text."""
    at = 0
    while found := PATTERN.match(sql, at):
        kind, end = str(found.lastgroup), found.end()
        if kind == "comment":
            kind, end = SPACE, _end_of_comment(sql, end)
        elif kind == "dollar":
            close = sql.find(found[0], end)
            kind, end = STRING, len(sql) if close < 0 else close + len(found[0])
        yield Token(kind, sql[at:end])
        at = end


def split(sql: str) -> list[list[Token]]:
    """Returns the statements of a text, which semicolons part, without those that are empty."""
    found: list[list[Token]] = [[]]
    for token in tokens(sql):
        if token == (SIGN, ";"):
            found.append([])
        else:
            found[-1].append(token)
    return [one for one in found if words(one)]


def words(of: Iterable[Token]) -> list[Token]:
    """Returns the tokens that mean something."""
    return [token for token in of if token.kind != SPACE]


def text(of: Iterable[Token]) -> str:
    """Returns tokens as a text."""
    return "".join(token.text for token in of)


def named(token: Token) -> str:
    """Returns the name that a token is, as PostgreSQL folds it: small letters, unless in quotes."""
    if token.kind == NAME:
        return token.text[1:-1].replace('""', '"')
    return token.text.lower()


def value(token: Token) -> str:
    """Returns the value of a text or a word."""
    if token.kind == STRING and token.text.startswith("'"):
        return token.text[1:-1].replace("''", "'")
    return named(token) if token.kind == NAME else token.text


def _end_of_comment(sql: str, at: int) -> int:
    depth = 1
    while depth and (found := COMMENT.search(sql, at)):
        depth, at = depth + (1 if found[0] == "/*" else -1), found.end()
    return at if not depth else len(sql)
