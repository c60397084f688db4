"""What a format is: how its records are found in lines, recognised, and read as fields. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from lakehouse.event.budgets import BUDGETS
from lakehouse.formats.reading import Reading

# Lines that are none of their format do not make a file something else while they are fewer.
ENOUGH = 0.5
# A record that never ends must not swallow the file.
MOST_LINES, MOST_BYTES = BUDGETS.joined_lines, BUDGETS.record

Fields = dict[str, Any]


class Fault(NamedTuple):
    """Why a record is refused: a reason of `lakehouse.decode.REASONS`, and the detail as text.

    The detail is short and printable, whatever the record holds.
    """

    reason: str
    detail: str


def with_more(fields: Fields, more: Iterable[tuple[str, Any]]) -> Fields:
    """The fields with more of them; where a key is there already, the next is `key#2`."""
    counts: dict[str, int] = {}
    for key, value in more:
        if key not in fields:
            fields[key] = value
            continue
        name = key
        while name in fields:
            counts[key] = counts.get(key, 1) + 1
            name = f"{key}#{counts[key]}"
        fields[name] = value
    return fields


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names of columns; where one is there already, the next is `name#2`."""
    return tuple(with_more({}, ((name, None) for name in names)))


class Record(NamedTuple):
    """A record of a file: the number of its first line, its bytes, and its columns.

    `columns` are those that a header within the file gives to the rows after it.
    """

    line: int
    original: bytes
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Sample:
    """The first lines of a file or the newest records of a topic, none of them blank.

    `head` are the bytes of the lines together, blank ones too.
    """

    lines: Sequence[bytes]
    head: bytes = b""

    def share(self, is_one: Callable[[bytes], object]) -> float:
        """The share of lines that are something."""
        return sum(1 for line in self.lines if is_one(line)) / max(len(self.lines), 1)


@dataclass(frozen=True)
class Proposal:
    """How to read what a format recognised: a share of its lines, and what is proposed.

    `columns` are the names of what its records hold, `untold` those whose unit is a guess, and
    `notes` what a person should know. `specificity` is that of the format, unless it is given.
    """

    share: float
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    untold: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacks_zone: bool = False
    specificity: int | None = None


# A record, and the time before which it was written; several fields where it holds several events.
Parse = Callable[[bytes, datetime | None], "Fields | list[Fields] | Fault"]
Split = Callable[[Iterable[tuple[int, bytes]], Reading], Iterator[Record]]


@dataclass(frozen=True)
class Format:
    """A form of log. `title` is its name for people, `wanted` what a record of it is, in words.

    Of the formats that know enough of the lines, the one of the greatest `specificity` is taken.
    `parser` makes the parser of a reading; keys of what it gives are fields of an event, or what
    `mapping` and the reading map to them (`units` as in a reading). `begins` tells lines that begin
    a record from those that continue it; `split` finds records that are no lines at all.
    """

    name: str
    title: str
    wanted: str
    specificity: int
    parser: Callable[[Reading], Parse]
    recognise: Callable[[Sample], Proposal | None]
    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    begins: Callable[[Reading], Callable[[bytes], bool]] | None = None
    split: Split | None = None
    # Of events that name none: whoever serves requests seldom says its name in each line.
    service: str | None = None
    # What a reading without a mapping takes as it is: messages already.
    is_message: bool = False
    # Whether a record is a JSON object, whose keys SQL can read too.
    is_json: bool = False
    # Whether its times may lack a year.
    needs_times: bool = False
    # Whether each record has a time with its zone, whatever the lines within it say.
    is_zoned: bool = False
    # Whether a record may hold several events, so that what is made of it is many times as large.
    holds_several: bool = False
    # Whether its records name a schema that a registry is asked for.
    asks_registry: bool = False
    # Whether a mapping is proposed from the names and values of its keys.
    has_keys: bool = False

    def fault(self, detail: str = "") -> Fault:
        """That a record is none of this format."""
        return Fault("bad_format", f"no {self.wanted}{': ' if detail else ''}{detail}")
