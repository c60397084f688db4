"""A query as a tree. Every test is yes or no: a row without the field fails it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lakehouse.query.search.fields import Field


@dataclass(frozen=True)
class Matches:
    """Text that is these pieces with anything between them, whatever their case.

    One piece is the whole text.
    """

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Between:
    """A number, a severity or a time from `low` to `high`; an end may be open or be left out."""

    low: int | float | datetime | None = None
    high: int | float | datetime | None = None
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True)
class Flag:
    """True or false."""

    value: bool


@dataclass(frozen=True)
class Present:
    """There is a value, whatever it is."""


Test = Matches | Between | Flag | Present


@dataclass(frozen=True)
class Term:
    """A test of one field; of the texts of an event where no field is named."""

    field: Field | None
    test: Test


@dataclass(frozen=True)
class Not:
    """Rows that the part leaves out."""

    part: Node


@dataclass(frozen=True)
class All:
    """Rows that fit every part; all rows where there is none."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Some:
    """Rows that fit at least one part."""

    parts: tuple[Node, ...]


Node = Term | Not | All | Some
EVERY = All()
