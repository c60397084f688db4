"""What somebody is about to type at a place of a query: a field, or a value of one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.event.schema import comment
from lakehouse.query.search import fields
from lakehouse.query.search.fields import FIELDS, OTHER_NAMES, Field
from lakehouse.query.search.tokens import FIELD, name_of, unescaped
from lakehouse.tables.catalog import LOGS


@dataclass(frozen=True)
class Typed:
    """The characters `start` up to `end` are what a completion replaces.

    `text` is what of it stands before the caret. `field` is whose value it is, None for a name.
    """

    field: Field | None
    text: str
    start: int
    end: int


def typed(query: str, at: int) -> Typed:
    """What stands around the caret, which is `at` characters into a query that may be faulty."""
    at = max(0, min(at, len(query)))
    start, opened = _word(query, at)
    end = at
    while end < len(query) and not query[end].isspace() and query[end] not in '()"':
        end += 1
    while query[start : start + 1] == "-" and opened is None:
        start += 1
    name = FIELD.match(query, start)
    if name and name.end() <= at:
        return _value(fields.field(name_of(name)), query, name.end(), at, end)
    if opened is not None:
        return _value(opened, query, start, at, end)
    return Typed(None, query[start:at], start, end)


def names(text: str, most: int) -> list[tuple[str, str]]:
    """Fields and their other names that begin with a text, then those that have it within them.

    Each with what it means.
    """
    near = text.lower()
    known = {**{name: name for name in FIELDS}, **OTHER_NAMES}
    fitting = [name for name in known if near in name and (near or name[0] != "_")]
    order = sorted(fitting, key=lambda name: (not name.startswith(near), name in OTHER_NAMES))
    columns = LOGS.columns
    meanings = {name: comment(columns.field(known[name])) for name in order[:most]}
    return [(name, meaning.split(" OTel:")[0]) for name, meaning in meanings.items()]


def _word(query: str, at: int) -> tuple[int, Field | None]:
    """Where the word before a place begins, and whose values are in the brackets around it."""
    start, is_quoted = 0, False
    inside: list[Field | None] = [None]
    for number, sign in enumerate(query[:at]):
        if sign == '"' and query[number - 1 : number] != "\\":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif sign == "(":
            name = FIELD.fullmatch(query[start:number].lstrip("-"))
            inside.append(fields.field(name_of(name)) if name else None)
            start = number + 1
        elif sign == ")":
            inside = inside[:-1] or [None]
            start = number + 1
        elif sign.isspace():
            start = number + 1
    return start, inside[-1]


def _value(field: Field | None, query: str, start: int, at: int, end: int) -> Typed:
    while start < at and query[start] in "><=":
        start += 1
    text = query[start:at]
    if text.startswith('"'):
        end += query[end : end + 1] == '"'
        text = unescaped(text[1:])
    return Typed(field, text, start, end)
