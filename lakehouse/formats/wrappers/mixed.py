"""Records of several formats in one topic or file: the first that knows one reads it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lakehouse.formats.format import Fault, Fields, Format, Parse
from lakehouse.formats.mapper import mapper
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named

FORMATS, MAPPING, UNITS = "formats", "mapping", "units"
USUAL = ("json", "raw")
# Such a record is of its format, and no other is asked to take it.
BAD_SCHEMA = "bad_schema"
FINAL = frozenset(("over_budget", "unknown_schema", "no_registry", BAD_SCHEMA))


def inner(reading: Reading) -> list[tuple[Format, Reading]]:
    """Returns the formats that the option `formats` names, in their order, as they are read."""
    names: Sequence[str] = reading.options.get(FORMATS) or USUAL
    units = reading.options.get(UNITS, {})
    plain = Reading(
        units=units,
        constants=reading.constants,
        zone=reading.zone,
        on_missing_time=reading.on_missing_time,
    )
    return [(named(name), msgspec.structs.replace(plain, format=name)) for name in names]


def options(given: Mapping[str, Any], mapping: Mapping[str, str], units: Mapping[str, str]) -> Any:
    """Returns the options under which each of the formats has a mapping.

    Only keys of a record that does not have the field itself are mapped: what one format calls
    `time` another may call `timestamp`.
    """
    return {**given, MAPPING: dict(mapping), UNITS: dict(units)} if mapping or units else {**given}


def _parser(reading: Reading) -> Parse:
    mapping = reading.options.get(MAPPING, {})
    ways = [(_way(format, of, mapping), format.asks_registry) for format, of in inner(reading)]

    def parse(record: bytes, before: datetime | None) -> Fields | list[Fields] | Fault:
        bad: Fault | None = None
        for way, asks_registry in ways:
            if bad and not asks_registry:
                continue
            found = way(record, before)
            if isinstance(found, Fault) and found.reason == BAD_SCHEMA:
                # its schema may be of the kind that another format reads; it is no text in any case
                bad = bad or found
            elif not isinstance(found, Fault) or found.reason in FINAL:
                return found
        return bad or FORMAT.fault()

    return parse


def _way(format: Format, reading: Reading, mapping: Mapping[str, str]) -> Parse:
    """What a format makes of a record, its keys mapped."""
    parse, mapped = format.parser(reading), mapper(format, reading)

    def read(record: bytes, before: datetime | None) -> Fields | list[Fields] | Fault:
        found = parse(record, before)
        if isinstance(found, Fault):
            return found
        if isinstance(found, dict):
            return mapped(_renamed(found, mapping), before)
        return [mapped(_renamed(one, mapping), before) for one in found]

    return read


def _renamed(fields: Fields, mapping: Mapping[str, str]) -> Fields:
    renamed: Fields = {}
    for key, value in fields.items():
        to = mapping.get(key, key)
        renamed[key if to in fields or to in renamed else to] = value
    return renamed


def _begins(reading: Reading) -> Callable[[bytes], bool]:
    """A line begins a record where any of the formats says so, or takes it as one."""
    ways = [
        format.begins(of) if format.begins else _takes(_way(format, of, {}))
        for format, of in inner(reading)
    ]
    return lambda line: any(way(line) for way in ways)


def _takes(way: Parse) -> Callable[[bytes], bool]:
    return lambda line: not isinstance(way(line, None), Fault)


FORMAT = Format(
    name="mixed",
    title="records of several formats",
    wanted="record of any of its formats",
    specificity=0,
    parser=_parser,
    recognise=lambda _sample: None,
    begins=_begins,
    needs_times=True,
)
