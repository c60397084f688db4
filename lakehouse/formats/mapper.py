"""The fields of a record as a message: keys mapped to event fields, values converted. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from lakehouse.event.routes import MALFORMED, template
from lakehouse.event.written import parts_of, value_of
from lakehouse.formats import times, values
from lakehouse.formats.format import Fields, Format, with_more
from lakehouse.formats.reading import Reading
from lakehouse.formats.values import KINDS, NOTHING, REQUEST

Mapped = Callable[[Fields, "datetime | None"], Fields]
# A key that is named as a field that something else gives is kept under another name.
ASIDE = "original."
# Fractions that the decoder rounds.
LONG_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d\.\d{7,}(?:[Zz]|[+-]\d\d:?\d\d)", re.ASCII
)


def mapper(format: Format, reading: Reading) -> Mapped:
    """What makes a message of the fields that a format's parser gives."""
    mapping = {**format.mapping, **reading.mapping}
    units = {**format.units, **reading.units}
    given = {name: _given(name, text, reading.zone) for name, text in reading.constants.items()}
    finish = _Finish(given, reading.default_service or format.service)
    if not (mapping or format.has_keys):
        return finish
    return _Mapper(_targets(mapping), units, reading.zone, finish)


def _given(field: str, text: str, zone: str) -> Any:
    if KINDS.get(field) is datetime:
        return times.rfc_3339(text, zone) or text
    return values.converter(field)(text)


def _targets(mapping: Mapping[str, str]) -> dict[str, str]:
    """Every key that gives a field: those of the mapping, and the fields' own names."""
    taken = {field for key, field in mapping.items() if key != field}
    own = {name: name for name in KINDS if name not in taken and name not in mapping}
    return {**mapping, **own}


class _Finish:
    """Adds what every record gets, and the route of its path."""

    def __init__(self, given: Fields, service: str | None) -> None:
        self._given, self._service = given, service

    def __call__(self, fields: Fields, _before: datetime | None = None) -> Fields:
        for name, value in self._given.items():
            own = fields.get(name)
            if own is not None and own != value:
                with_more(fields, [(f"{ASIDE}{name}", own)])
            fields[name] = value
        if self._service and "service" not in fields:
            fields["service"] = self._service
        path = fields.get("path")
        if isinstance(path, str) and fields.get("endpoint") is None:
            fields["endpoint"] = template(path) or MALFORMED
        return fields


class _Mapper:
    """Maps keys, dotted ones too; converts what fits, and leaves what does not."""

    def __init__(
        self, targets: Mapping[str, str], units: Mapping[str, str], zone: str, finish: _Finish
    ) -> None:
        self._chosen = [(key, to, self._converter(to, units)) for key, to in targets.items() if to]
        self._aside = {key for key, to in targets.items() if not to} | {
            name for name in KINDS if name not in targets
        }
        self._zone, self._finish = zone, finish

    def __call__(self, fields: Fields, before: datetime | None) -> Fields:
        """The message; `fields` is used up. What is not converted stays as it was written."""
        found: Fields = {}
        dates: list[tuple[str, Any]] = []
        for key, to, convert in self._chosen:
            written = _taken(fields, key)
            if written is None:
                continue
            value = value_of(written)
            if value is None or (isinstance(value, str) and value.strip() in NOTHING):
                continue
            if to == "timestamp":
                dates.append((key, written))
            elif to in found:
                fields[key] = written
            else:
                found[to] = _converted(to, convert, value, written)
        if dates:
            found["timestamp"] = self._time_of(dates, before)
            fields.update(dates)
        _request(found)
        for key, value in fields.items():
            name = f"{ASIDE}{key}" if key in found or key in self._aside else key
            if name in found:
                with_more(found, [(name, value)])
            else:
                found[name] = value
        return self._finish(found)

    def _time_of(self, dates: list[tuple[str, Any]], before: datetime | None) -> Any:
        """The time that the first key says of those that say one, or a date and a time of day.

        What it was made of is taken out of `dates`; where there is none it is the first value.
        """
        values = [value_of(written) for _, written in dates]
        if time := self._time(values[0], before):
            del dates[0]
            return time
        read = [self._time(value, before) for value in values]
        # they may stand apart
        if len(dates) > 1 and (time := self._time(f"{values[0]} {values[1]}", before)):
            del dates[:2]
            return time
        at = next((at for at, time in enumerate(read) if time), 0)
        _, written = dates.pop(at)
        return read[at] or written

    def _time(self, value: Any, before: datetime | None) -> str | None:
        if isinstance(value, str) and LONG_RFC_3339.fullmatch(value):
            return value
        return times.rfc_3339(value, self._zone, before)

    @staticmethod
    def _converter(to: str, units: Mapping[str, str]) -> values.Convert:
        if to == "response_time":
            unit = units.get(to, "ms")
            return lambda value: _millis(value, unit)
        return values.converter(to)


def _converted(field: str, convert: values.Convert, value: Any, written: Any) -> Any:
    """The value that a field takes; as it was written where that is text, or none that fits."""
    if KINDS.get(field) is str and type(value) in (int, float) and isinstance(written, msgspec.Raw):
        return bytes(written).decode()
    made = convert(value)
    return made if isinstance(made, str) or made is not value else written


def _millis(value: Any, unit: str) -> Any:
    return value if unit == "ms" and isinstance(value, float) else values.millis(value, unit)


def _request(found: Fields) -> None:
    """A request line is a method and a path."""
    path = found.get("path")
    if isinstance(path, str) and (line := REQUEST.fullmatch(path)):
        found["path"] = line[2]
        found.setdefault("method", line[1])


def _taken(fields: Fields, key: str) -> Any:
    """The value of a key, which leaves its object; a dotted key may lead into others."""
    if key in fields or "." not in key:
        return fields.pop(key, None)
    first, rest = key.split(".", 1)
    inner = fields.get(first)
    if isinstance(inner, msgspec.Raw) and bytes(inner).startswith(b"{"):
        inner = fields[first] = parts_of(inner) or inner
    if not isinstance(inner, dict):
        return None
    value = _taken(inner, rest)
    if not inner:
        del fields[first]
    return value
