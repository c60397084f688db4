"""A query in parts: words, quoted texts, names of fields, brackets, each with its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from lakehouse.query.search.fault import QueryFault
from lakehouse.query.search.fields import ATTRIBUTES, Field

FIELD = re.compile(
    r'(?:(attr(?:ibutes)?)\."((?:[^"\\]|\\.)*)"'
    r'|(attr(?:ibutes)?\.[^\s:"()]+|[A-Za-z_@][\w.@/-]*)):',
    re.IGNORECASE,
)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPED = re.compile(r'\\(["\\])')
WORD = re.compile(r"[^\s()]+")
LEFT_OUT = re.compile(r"-\S")
OPERATOR = re.compile(r"(>=|<=|>|<)\s*")
# What no text of a log is asked for by, and no engine takes.
FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")


class What(Enum):
    """The kinds of parts."""

    FIELD = "field"
    OPERATOR = "operator"
    WORD = "word"
    QUOTED = "quoted"
    OPEN = "("
    CLOSE = ")"
    MINUS = "-"
    END = "end"


@dataclass(frozen=True)
class Token:
    """A part of a query from `start` up to `end`; `text` is what it says, without its signs."""

    what: What
    text: str
    start: int
    end: int


def tokens(query: str) -> list[Token]:
    """The parts of a query, the last one its end; QueryFault for a quote that is not closed."""
    if found := FORBIDDEN.search(query):
        raise QueryFault(query, found.start(), found.end(), "this character cannot be asked for")
    return [*_tokens(query), Token(What.END, "", len(query), len(query))]


def _tokens(query: str) -> Iterator[Token]:
    at, is_value, among = 0, False, False
    while at < len(query):
        if query[at].isspace():
            at, is_value = at + 1, False
            continue
        found = _next(query, at, is_value, among)
        yield found
        # brackets that touch a field have values of it
        if found.what in (What.OPEN, What.CLOSE):
            among = is_value and found.what is What.OPEN
        is_value = found.what in (What.FIELD, What.OPERATOR)
        at = found.end


def _next(query: str, at: int, is_value: bool, among: bool) -> Token:
    """The part at a place; after a field a minus is a sign, and no name of a field begins.

    `among`: it is one of several values in brackets.
    """
    if query[at] in "()":
        return Token(What(query[at]), query[at], at, at + 1)
    if query[at] == '"':
        return _quoted(query, at)
    if (is_value or among) and (sign := OPERATOR.match(query, at)):
        return Token(What.OPERATOR, sign[1], at, sign.end())
    if not is_value and LEFT_OUT.match(query, at):
        return Token(What.MINUS, "-", at, at + 1)
    if not is_value and (name := FIELD.match(query, at)):
        return Token(What.FIELD, name_of(name), at, name.end())
    word = WORD.match(query, at)
    assert word
    return Token(What.WORD, word[0], at, word.end())


def _quoted(query: str, at: int) -> Token:
    found = QUOTED.match(query, at)
    if not found:
        raise QueryFault(query, at, at + 1, "this quote is not closed", 'end the text with "')
    return Token(What.QUOTED, unescaped(found[1]), at, found.end())


def name_of(found: re.Match[str]) -> str:
    """The name of a field, without quotes, that FIELD has found."""
    return f"{found[1]}.{unescaped(found[2])}" if found[1] else found[3]


def unescaped(text: str) -> str:
    """A quoted text as it is meant."""
    return ESCAPED.sub(r"\1", text)


def quoted(text: str) -> str:
    """A text between quotes, as a query takes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


PLAIN = re.compile(r"[\w/{}.@:+,;=%&$#?~^|'\[\]][\w/{}.@:+,;=%&$#?~^|'\[\]-]*")
KEY = re.compile(r'[^\s:"()]+')
WORDS_OF_THE_LANGUAGE = ("OR", "AND", "NOT")


def written(value: str) -> str:
    """A value as a query takes it after the name of a field: with quotes where it needs them."""
    is_plain = PLAIN.fullmatch(value) and ".." not in value and value not in WORDS_OF_THE_LANGUAGE
    return value if is_plain else quoted(value)


def named(field: Field) -> str:
    """The name of a field with its colon, a key between quotes where it needs them."""
    is_plain = field.column != ATTRIBUTES or KEY.fullmatch(field.key)
    return f"{field.name}:" if is_plain else f"{ATTRIBUTES}.{quoted(field.key)}:"
