"""What no column takes, as attributes: nested keys with dots, each value as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lakehouse.event.budgets import Budgets, cut
from lakehouse.event.written import compact, parts_of

Pair = tuple[str, str]
_text_of = msgspec.json.Decoder(str).decode


class OverBudget(Exception):
    """The attributes of a record are too many, or a key of them is too long."""


def attributes(parts: Iterable[tuple[str, msgspec.Raw]], budgets: Budgets) -> list[Pair]:
    """The leaves of JSON values by key, in the order of their keys.

    An inner key follows its outer one after a dot. Text is as it was meant; numbers, true and false
    are as they were written, also in lists, which are JSON without blanks. `null` is no value; an
    empty object is `{}`. Where two leaves get one key, the second is `key#2`.

    Raises OverBudget at the first leaf that is one too many, or whose key is too long: what is
    made of a record before is bounded, whatever it holds.
    """
    found: dict[str, str] = {}
    for key, text in _leaves(parts, "", budgets.attribute_key):
        free, number = key, 2
        while free in found:
            free, number = f"{key}#{number}", number + 1
        if len(found) == budgets.attributes:
            raise OverBudget(f"more than {budgets.attributes} attributes")
        if len(free.encode()) > budgets.attribute_key:
            raise OverBudget(f"a key of more than {budgets.attribute_key} bytes")
        found[free] = text
    return sorted(found.items())


def _leaves(parts: Iterable[tuple[str, msgspec.Raw]], prefix: str, longest: int) -> Iterator[Pair]:
    for name, value in parts:
        raw = bytes(value).strip()
        kind, key = raw[:1], prefix + name
        if kind == b"{" and (inner := parts_of(raw)):
            # Of a key that is too long, no more is kept than shows it.
            yield from _leaves(inner.items(), f"{key}."[: longest + 1], longest)
        elif kind not in (b"n", b""):
            yield key, as_text(raw)


def as_text(raw: bytes) -> str:
    """A JSON value as text: what a string means, and all else as it is written, without blanks."""
    return _text_of(raw) if raw[:1] == b'"' else compact(raw).decode()


def cut_long(pairs: list[Pair], most: int) -> tuple[list[Pair], list[str]]:
    """The attributes, values cut at `most` bytes, and the marks of those for `_misfits`."""
    too_long = {key for key, text in pairs if len(text.encode()) > most}
    kept = [(key, cut(text, most) if key in too_long else text) for key, text in pairs]
    return kept, [f"{key}:cut" for key in too_long]
