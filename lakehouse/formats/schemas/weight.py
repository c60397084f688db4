"""How much a record may become in memory before anything is made of it. Pure.

A few bytes can announce an array of 2^60 elements, of which each is nothing. The libraries that
read records make what is announced, so what could be too much is weighed first.
"""

from __future__ import annotations

import msgspec

from lakehouse.event.budgets import BUDGETS, KIB, MIB
from lakehouse.formats.format import Fault
from lakehouse.formats.schemas.lookup import BadSchema

# About what Python takes for a value, a list and an object of a record.
VALUE, LIST, OBJECT = 40, 64, 200
# A byte of a name: it is in the text of a message wherever it has a value, and in rows of it.
NAME = 3
# A small record may take the least: thousands of them are held at once.
MOST, LEAST, RATIO = 32 * MIB, 16 * KIB, 500
# What a message with room for many fields may take besides, whether they are there or not.
SPARE = 96 * KIB
DEEPEST = 100


class TooMuch(ValueError):
    """A record of more, or deeper values than may be made."""


def most(length: int) -> int:
    """What the values of a record of so many bytes may take."""
    return min(MOST, LEAST + RATIO * length)


def named(name: str) -> int:
    """What a name takes wherever it is written. Raises BadSchema for one that no event has."""
    if len(name.encode()) > BUDGETS.attribute_key:
        raise BadSchema(f"it has a name of more than {BUDGETS.attribute_key} bytes")
    return NAME * len(msgspec.json.encode(name))


def over_budget(error: object) -> Fault:
    """The fault of such a record."""
    return Fault("over_budget", str(error))


def too_long(record: bytes) -> Fault | None:
    """The fault of a record that is longer than any that is taken."""
    if len(record) <= BUDGETS.record:
        return None
    return over_budget(f"{len(record)} bytes, wanted at most {BUDGETS.record}")


class Budget:
    """What is left of the weight of one record."""

    def __init__(self, length: int, spare: int = 0) -> None:
        self._left = most(length) + spare

    def take(self, weight: int) -> None:
        """Takes a value; raises `TooMuch` where the record has too many."""
        self._left -= weight
        if self._left < 0:
            raise TooMuch("it holds too many values for its length")
