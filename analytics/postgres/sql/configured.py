"""Settings that a SELECT makes: `set_config(name, value, is_local)`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analytics.postgres.messages import Refused
from analytics.postgres.sql import lexer
from analytics.postgres.sql.lexer import NAME, STRING, WORD, Token
from analytics.postgres.sql.statements import Set

# A value that was bound comes as one with its type.
BOUND = re.compile(r"\s*(?:CAST\()?\s*('(?:[^']|'')*'|NULL)(?:\s+AS\s+\w+\))?\s*", re.I)
TRUES, FALSES = {"true", "t", "on", "1"}, {"false", "f", "off", "0"}


def settings(tokens: Sequence[Token]) -> Iterator[Set]:
    """Yields what a statement sets. Raises Refused where it would have to be worked out first."""
    words = lexer.words(tokens)
    for at, one in enumerate(words):
        is_call = one.kind in (WORD, NAME) and lexer.named(one) == "set_config"
        if is_call and words[at + 1 : at + 2] and words[at + 1].text == "(":
            yield _setting(words[at + 2 : at + 8])


def _setting(words: Sequence[Token]) -> Set:
    if [one.text for one in words[1::2]] != [",", ",", ")"]:
        raise _unclear()
    name, value, local = map(_value, words[::2])
    if name is None or local is None or local.lower() not in TRUES | FALSES:
        raise _unclear()
    return Set(name.lower(), value, is_local=local.lower() in TRUES)


def _value(token: Token) -> str | None:
    if token.word == "NULL":
        return None
    if token.kind == WORD and token.word in ("TRUE", "FALSE"):
        return token.text
    found = BOUND.fullmatch(token.text) if token.kind == STRING else None
    if found is None:
        raise _unclear()
    return None if found[1].upper() == "NULL" else found[1][1:-1].replace("''", "'")


def _unclear() -> Refused:
    return Refused(
        "0A000",
        "set_config takes a name, a value, and true or false, as they stand there",
        "SET name = 'value'; SET LOCAL for a transaction",
    )
