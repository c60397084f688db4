"""A query of bounded size into a tree. Pure.

query := part+ joined by nothing, AND or OR; OR binds least
part  := -part | NOT part | ( query ) | field:value | text
value := text | "text" | >number | number..number | * | ( value OR value )
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from lakehouse.query.search import fields
from lakehouse.query.search.fault import QueryFault
from lakehouse.query.search.fields import Field
from lakehouse.query.search.tokens import Token, What, tokens
from lakehouse.query.search.tree import EVERY, All, Matches, Node, Not, Some, Term
from lakehouse.query.search.values import Unfit, to_test

LONGEST, MOST_TERMS, DEEPEST = 2000, 60, 20
QUOTE_IT = "a text that has : in it goes between quotes"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """A part of a query that rows have to fit: its characters `start` up to `end`."""

    node: Node
    start: int
    end: int


Choices = tuple[tuple[Part, ...], ...]
Found = TypeVar("Found")


def parse(query: str, now: datetime = EPOCH) -> Node:
    """The tree of a query; all rows for an empty one. Times may count back from `now`.

    Raises QueryFault with the place of what means nothing, and for a query that is too long.
    """
    return _joined(choices(query, now))


def choices(query: str, now: datetime = EPOCH) -> Choices:
    """The sides of each OR that is in no brackets, and of each the parts that all have to fit.

    Raises QueryFault as `parse` does.
    """
    if len(query) > LONGEST:
        what = f"a query has at most {LONGEST:,} characters, and this one {len(query):,}"
        raise QueryFault(query, LONGEST, LONGEST + 1, what, "ask for less")
    parser = _Parser(query, tokens(query), now)
    found = parser.some()
    if parser.token.what is not What.END:
        raise parser.fault(parser.token, "this bracket closes nothing", "take it away")
    return found


@dataclass
class _Parser:
    """Recursive descent over the tokens; `at` is the next one."""

    query: str
    tokens: list[Token]
    now: datetime
    at: int = 0
    depth: int = 0
    terms: int = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        found = self.token
        self.at += found.what is not What.END
        return found

    def is_word(self, word: str) -> bool:
        return self.token.what is What.WORD and self.token.text == word

    def is_closing(self) -> bool:
        return self.token.what is What.CLOSE

    def fault(self, token: Token, what: str, remedy: str = "") -> QueryFault:
        return QueryFault(self.query, token.start, token.end, what, remedy)

    def some(self) -> Choices:
        """Parts joined by OR."""
        sides = [self.every()]
        while self.is_word("OR"):
            sign = self.take()
            if not self.is_part():
                raise self.fault(sign, "nothing follows this OR", 'quote it to look for "OR"')
            sides.append(self.every())
        return tuple(sides)

    def every(self) -> tuple[Part, ...]:
        """Parts that all have to fit."""
        parts: list[Part] = []
        while True:
            if self.is_word("AND"):
                sign = self.take()
                if not parts or not self.is_part():
                    what = "AND stands between two parts"
                    raise self.fault(sign, what, 'quote it to look for "AND"')
            if self.is_word("OR") and not parts:
                raise self.fault(self.token, "nothing is before this OR", "quote it to look for it")
            if not self.is_part():
                return tuple(parts)
            start, node = self.token.start, self.part()
            parts.append(Part(node, start, self.tokens[self.at - 1].end))

    def is_part(self) -> bool:
        """Whether something begins here that rows can fit."""
        is_end = self.token.what in (What.END, What.CLOSE)
        return not (is_end or self.is_word("OR") or self.is_word("AND"))

    def part(self) -> Node:
        """One part, with whatever is inside it."""
        token = self.take()
        if token.what is What.MINUS or (token.what is What.WORD and token.text == "NOT"):
            if not self.is_part():
                raise self.fault(token, "nothing follows that could be left out", "quote it")
            return Not(self.deeper(token, self.part))
        if token.what is What.OPEN:
            return self.group(token)
        if token.what is What.FIELD:
            return self.field(token)
        return self.text(token)

    def deeper(self, token: Token, inside: Callable[[], Found]) -> Found:
        self.depth += 1
        if self.depth > DEEPEST:
            what = f"brackets and negations are at most {DEEPEST} deep"
            raise self.fault(token, what, "take some of them away")
        found = inside()
        self.depth -= 1
        return found

    def group(self, opening: Token) -> Node:
        if self.is_closing():
            raise self.fault(opening, "there is nothing in these brackets", "take them away")
        found = _joined(self.deeper(opening, self.some))
        if not self.is_closing():
            raise self.fault(opening, "this bracket is not closed", "end it with )")
        self.take()
        return found

    def text(self, token: Token) -> Node:
        """A text to look for; * alone is any row."""
        if token.text == "*" and token.what is What.WORD:
            return EVERY
        pieces = (token.text,) if token.what is What.QUOTED else tuple(token.text.split("*"))
        return self.term(Term(None, Matches(("", *pieces, ""))), token.start, token.end)

    def field(self, token: Token) -> Node:
        found = fields.field(token.text)
        if found is None:
            raise self.fault(token, f"{token.text[:60]} is no field", self.meant(token))
        if self.token.start > token.end:
            # what stands behind a blank is a part of its own
            raise self.without_value(token, found)
        if self.token.what is What.OPEN:
            return self.values(token, found)
        return self.value(token, found)

    def without_value(self, name: Token, field: Field) -> QueryFault:
        remedy = f"right behind its colon {field.kind.value}"
        return self.fault(name, f"{field.name[:60]} has no value here", remedy)

    def meant(self, token: Token) -> str:
        if token.text.lower() in (fields.ATTRIBUTES, "attr"):
            return f"name one of them: {fields.ATTRIBUTES}.KEY:"
        near = fields.similar(token.text)
        is_it = f"{near}:" if near else f"{fields.ATTRIBUTES}.{token.text}:"
        return f"did you mean {is_it[:80]} ? {QUOTE_IT}"

    def values(self, name: Token, field: Field) -> Node:
        """Several values of one field."""
        opening, found = self.take(), [self.value(name, field)]
        while self.is_word("OR"):
            self.take()
            found.append(self.value(name, field))
        if self.token.what is not What.CLOSE:
            what = "values in brackets are joined by OR, and end with )"
            raise self.fault(self.token if self.is_part() else opening, what, "(404 OR 500)")
        self.take()
        return found[0] if len(found) == 1 else Some(tuple(found))

    def value(self, name: Token, field: Field) -> Term:
        operator = self.take().text if self.token.what is What.OPERATOR else ""
        if self.token.what not in (What.WORD, What.QUOTED):
            raise self.without_value(name, field)
        token = self.take()
        try:
            is_quoted = token.what is What.QUOTED
            test = to_test(field, token.text, is_quoted, operator, self.now)
        except Unfit:
            what = f"{operator}{token.text[:60]} does not fit {field.name[:60]}"
            raise self.fault(token, what, field.kind.value) from None
        return self.term(Term(field, test), name.start, token.end)

    def term(self, term: Term, start: int, end: int) -> Term:
        self.terms += 1
        if self.terms > MOST_TERMS:
            what = f"a query has at most {MOST_TERMS} terms"
            raise QueryFault(self.query, start, end, what, "ask for less")
        return term


def _joined(sides: Choices) -> Node:
    found = [
        parts[0].node if len(parts) == 1 else All(tuple(part.node for part in parts))
        for parts in sides
    ]
    return found[0] if len(found) == 1 else Some(tuple(found))
