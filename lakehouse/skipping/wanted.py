"""What a question wants of a file, as far as filters can tell. Pure.

It is made of a query's tree or of a statement's WHERE. None where filters say nothing about it:
then each file has to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lakehouse.query.search.fields import NAMES, SEARCHED, Field
from lakehouse.query.search.tree import All, Matches, Node, Some, Term
from lakehouse.skipping import bloom, grams, hashes
from lakehouse.skipping.entry import DIGITS, SHAPED, WHOLE, WORDS, may_have_shape, shape, whole

Test = Callable[[memoryview], bool]
Filter = Callable[[str], memoryview | None]


@dataclass(frozen=True)
class One:
    """A test of the filter of one kind; a file without that filter may hold anything."""

    kind: str
    test: Test

    def kinds(self) -> set[str]:
        """Which filters it reads."""
        return {self.kind}

    def may_be_in(self, filter_of: Filter) -> bool:
        """Whether a file with such filters may hold it."""
        bits = filter_of(self.kind)
        return bits is None or self.test(bits)


@dataclass(frozen=True)
class Both:
    """All of several."""

    parts: tuple[Wanted, ...]

    def kinds(self) -> set[str]:
        """Which filters it reads."""
        return {kind for part in self.parts for kind in part.kinds()}

    def may_be_in(self, filter_of: Filter) -> bool:
        """Whether a file with such filters may hold it."""
        return all(part.may_be_in(filter_of) for part in self.parts)


@dataclass(frozen=True)
class Either:
    """One of several at least."""

    parts: tuple[Wanted, ...]

    def kinds(self) -> set[str]:
        """Which filters it reads."""
        return {kind for part in self.parts for kind in part.kinds()}

    def may_be_in(self, filter_of: Filter) -> bool:
        """Whether a file with such filters may hold it."""
        return any(part.may_be_in(filter_of) for part in self.parts)


Wanted = One | Both | Either


def of_query(node: Node) -> Wanted | None:
    """Returns what a query of docs/search.md wants."""
    if isinstance(node, All):
        return both([of_query(part) for part in node.parts])
    if isinstance(node, Some):
        return either([of_query(part) for part in node.parts])
    if isinstance(node, Term) and isinstance(node.test, Matches):
        return _anywhere(node.test) if node.field is None else _in_field(node.field, node.test)
    return None


def value(column: str, text: str) -> Wanted | None:
    """Returns what a row wants whose column is this text, in any case."""
    if column in WHOLE and (hashed := hashes.of_one(text)) is not None:
        return One(whole(column), lambda bits: bloom.may_hold(bits, hashed))
    if column in SHAPED and text.isascii():
        return One(shape(column), lambda bits: may_have_shape(bits, text))
    return parts(column, [text])


def parts(column: str, texts: list[str]) -> Wanted | None:
    """Returns what a row wants whose column has these texts in it, in any case."""
    return _text(texts) if column in SEARCHED else None


def both(found: list[Wanted | None]) -> Wanted | None:
    """Returns all of these: those that say nothing leave out no file."""
    known = [one for one in found if one is not None]
    return Both(tuple(known)) if known else None


def either(found: list[Wanted | None]) -> Wanted | None:
    """Returns one of these: where one says nothing, all of them do."""
    known = [one for one in found if one is not None]
    return Either(tuple(known)) if known and len(known) == len(found) else None


def _anywhere(test: Matches) -> Wanted | None:
    """A text in any of the texts of an event, or the whole of one of its names."""
    if len(test.pieces) != 3:
        return _text([*test.pieces])
    return either([_text([*test.pieces]), *(value(name, test.pieces[1]) for name in NAMES)])


def _in_field(field: Field, test: Matches) -> Wanted | None:
    if len(test.pieces) == 1:
        return value(field.column, test.pieces[0])
    return parts(field.column, [*test.pieces])


def _text(texts: list[str]) -> Wanted | None:
    """Each run of each text; a file has the runs of all its rows, so this is a little wide."""
    asked = [grams.asked(text) for text in texts]
    words = sorted({one for found, _ in asked for one in found})
    digits = sorted({one for _, found in asked for one in found})
    return both(
        [
            One(WORDS, lambda bits: grams.may_hold_words(bits, words)) if words else None,
            One(DIGITS, lambda bits: grams.may_hold_digits(bits, digits)) if digits else None,
        ]
    )
