"""A query with a term more or less, and the fields that a person names. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from lakehouse.query.search import fields
from lakehouse.query.search.fault import QueryFault
from lakehouse.query.search.fields import ATTRIBUTES, DATES, Field, Kind
from lakehouse.query.search.parser import Choices, choices, parse
from lakehouse.query.search.tokens import FIELD, FORBIDDEN, name_of, named, written

# A term that is longer is none: a query of such would have little room for others.
LONGEST_TERM = 500
NAMES = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s,])+')


def term(field: Field, value: str | None) -> str:
    """A field with a value, as a query takes it; without the field, where there is no value.

    Empty where no query can ask for it: it is too long, or no text of the language.
    """
    name = named(field)
    if value is None:
        found = f"-{name}*"
    elif field.kind is Kind.TIME and field.column not in DATES:
        instant = value.replace(" ", "T")
        found = f"{name}{instant}..{instant}"
    else:
        found = f"{name}{written(value)}"
    return "" if len(found) > LONGEST_TERM or FORBIDDEN.search(found) else found


def has_term(query: str, part: str) -> bool:
    """Whether every row that fits a query fits this term, as it stands in it."""
    sides = _choices(query)
    return len(sides) == 1 and parse(part) in [one.node for one in sides[0]]


def toggled(query: str, part: str) -> str:
    """A query with a term that it lacks, or without one that it has."""
    if not has_term(query, part):
        return added(query, part)
    (parts,), unwanted = _choices(query), parse(part)
    return " ".join(query[one.start : one.end] for one in parts if one.node != unwanted)


def added(query: str, part: str) -> str:
    """A query that asks for a term too; what an OR joins gets brackets. A fault stays in it."""
    try:
        known = has_term(query, part)
        return query if known else f"{_closed(query)} {_closed(part)}".strip()
    except QueryFault:
        return f"{query} {part}".strip()


def name_as_written(field: Field) -> str:
    """The name of a field as a query and a list of fields take it."""
    return named(field).removesuffix(":")


def listed(names: str, most: int, given_as: str) -> list[Field]:
    """The fields that a text names, each once; QueryFault where one is none, or for too many."""
    found: dict[Field, None] = {}
    for name in NAMES.finditer(names):
        place = (names, name.start(), name.end())
        field = _field(name[0])
        if field is None:
            raise QueryFault(*place, f"{name[0][:60]} is no field", _meant(name[0]), given_as)
        found[field] = None
        if len(found) > most:
            what = f"at most {most} {'fields are' if most > 1 else 'field is'} taken here"
            raise QueryFault(*place, what, "name fewer", given_as)
    return [*found]


def _field(name: str) -> Field | None:
    """The field of a name that is written as before a colon."""
    found = None if FORBIDDEN.search(name) else FIELD.fullmatch(f"{name}:")
    return fields.field(name_of(found)) if found else None


def _meant(name: str) -> str:
    if '"' in name:
        return f'write a key with blanks as {ATTRIBUTES}."a b"'
    near = fields.similar(name.partition(":")[0])
    return f"did you mean {near or name_as_written(fields.attribute(name[:60]))}?"


def _closed(query: str) -> str:
    return f"({query})" if len(_choices(query)) > 1 else query


@lru_cache(maxsize=64)
def _choices(query: str) -> Choices:
    return choices(query)
