"""Formats that hold lines of another: its name in the option `inner`, how it is read in `reading`.

A line that is none of the inner format keeps its text as the message: what stands around it says
when it was. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from lakehouse.formats.format import Fault, Fields, Format, Parse, Proposal, Sample, with_more
from lakehouse.formats.mapper import ASIDE, LONG_RFC_3339, mapper
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise
from lakehouse.formats.registry import named
from lakehouse.formats.times import RFC_3339

INNER, OPTIONS = "inner", "reading"
# Set by a line that the next one goes on with.
PART = "_part"
# What no line of another holds.
NEVER = frozenset(("raw", "csv", "w3c", "otlp"))


class Inner(NamedTuple):
    """What reads the lines within, and the service of those that name none."""

    read: Callable[[str, datetime | None], list[Fields]]
    service: str | None


# Fields of the line around and the line within; None where it is no such line.
Strip = Callable[[bytes], "tuple[Fields, str] | None"]


def inner_of(reading: Reading) -> Inner | None:
    """What reads the lines within; None where each is a message."""
    name = reading.options.get(INNER)
    if not name:
        return None
    own, format = _inner_reading(reading), named(name)
    service = None if "service" in reading.constants else format.service
    format = replace(format, service=None)
    parse, mapped = format.parser(own), mapper(format, own)

    def read(line: str, before: datetime | None) -> list[Fields]:
        found = parse(line.encode(errors="surrogateescape"), before)
        if isinstance(found, Fault):
            return []
        return [mapped(one, before) for one in (found if isinstance(found, list) else [found])]

    return Inner(read, service)


def within(
    fields: Fields, line: str, inner: Inner | None, before: datetime | None
) -> Fields | list[Fields]:
    """The fields of a line and of the line within, which knows better where both say something."""
    found = inner.read(line, before) if inner else []
    if inner is None or not found:
        return with_more({"message": line}, fields.items())
    each = [_joined(one, fields, inner.service) for one in found]
    return each[0] if len(each) == 1 else each


def _joined(one: Fields, around: Fields, service: str | None) -> Fields:
    """What a line within and that around it say; of what both do, the other one is kept aside.

    The line within comes first, but for the service, and for a time that cannot be read.
    """
    found = {key: value for key, value in one.items() if value is not None}
    other: list[tuple[str, Any]] = []
    for key, value in around.items():
        inside = found.get(key, value)
        is_first = key == "service" or (key == "timestamp" and not _is_time(inside))
        found[key] = value if is_first else inside
        if inside != value:
            other.append((f"{ASIDE}{key}", inside if is_first else value))
    if service:
        found.setdefault("service", service)
    return with_more(found, other)


def _is_time(value: Any) -> bool:
    return bool(RFC_3339.fullmatch(str(value)) or LONG_RFC_3339.fullmatch(str(value)))


def inner_proposal(lines: Sequence[bytes]) -> Proposal | None:
    """What the lines within would be read as, as options of the line around."""
    some = [line for line in lines if line.strip()]
    found = recognise(Sample(some, b"\n".join(some)), lambda format: format.name not in NEVER)
    if found is None:
        return None
    name, proposal = found.format.name, found.proposal
    reading: dict[str, Any] = {"options": dict(proposal.options)}
    reading |= {"mapping": dict(proposal.mapping), "units": dict(proposal.units)}
    options = {INNER: name, OPTIONS: reading}
    return Proposal(
        proposal.share,
        options,
        columns=proposal.columns,
        notes=proposal.notes,
        lacks_zone=proposal.lacks_zone,
    )


def _inner_reading(reading: Reading) -> Reading:
    own = reading.options.get(OPTIONS) or {}
    return Reading(
        format=reading.options[INNER],
        options=own.get("options", {}),
        mapping=own.get("mapping", {}),
        units=own.get("units", {}),
        zone=reading.zone,
    )


def _without_time(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if key not in (PART, "timestamp")}


class Wrapper(NamedTuple):
    """A format around lines of others: how a line of it is stripped, in words and in columns."""

    name: str
    title: str
    wanted: str
    specificity: int
    strip: Strip
    columns: tuple[str, ...] = ("timestamp", "message")

    def format(self) -> Format:
        """The format; a record may be several lines, which are stripped one by one."""
        return Format(
            name=self.name,
            title=self.title,
            wanted=self.wanted,
            specificity=self.specificity,
            parser=self._parser,
            recognise=self._recognise,
            begins=self._begins,
            needs_times=True,
            is_zoned="timestamp" in self.columns,
        )

    def _parser(self, reading: Reading) -> Parse:
        inner = inner_of(reading)

        def parse(record: bytes, before: datetime | None) -> Fields | list[Fields] | Fault:
            each = [self.strip(line) for line in record.split(b"\n")]
            lines = [one for one in each if one]
            if len(lines) < len(each):
                return named(self.name).fault()
            fields = dict(lines[0][0])
            fields.pop(PART, None)
            text = "".join(text + ("" if one.get(PART) else "\n") for one, text in lines)
            return within(fields, text.rstrip("\n"), inner, before)

        return parse

    def _begins(self, reading: Reading) -> Callable[[bytes], bool]:
        """A line begins a record unless the one before was a part, or the format within goes on.

        It goes on only with a line around which the same stands, but for its time.
        """
        name = reading.options.get(INNER)
        own = named(name).begins if name else None
        inner = own(_inner_reading(reading)) if own else None
        before: Fields = {}

        def begins(line: bytes) -> bool:
            nonlocal before
            found = self.strip(line)
            last, before = before, found[0] if found else {}
            if found is None or _without_time(last) != _without_time(before):
                return True
            return not last.get(PART) and (inner is None or inner(found[1].encode()))

        return begins

    def _recognise(self, sample: Sample) -> Proposal | None:
        found = [one for line in sample.lines if (one := self.strip(line))]
        share = len(found) / max(len(sample.lines), 1)
        if not found or share < 1 / 2:
            return None
        proposed = inner_proposal([text.encode() for _, text in found])
        return Proposal(
            share,
            proposed.options if proposed else {},
            columns=tuple(dict.fromkeys((*self.columns, *(proposed.columns if proposed else ())))),
            notes=proposed.notes if proposed else (),
            lacks_zone="timestamp" not in self.columns and bool(proposed and proposed.lacks_zone),
        )
