"""Records of a source as messages: JSON objects whose keys are fields of an event. Pure.

The one strict decoder judges messages, by whatever door their records came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from lakehouse.event.written import value_of
from lakehouse.formats.format import Fault, Fields, Format, Parse
from lakehouse.formats.mapper import mapper
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named

# What a message of a record holds: no message, one, several, or why there is none.
Made = Callable[[bytes, "datetime | None"], "bytes | list[bytes] | Fault"]


# The option that says when the records of a file were written, as ISO 8601 text.
BEFORE = "before"
# Where no time is known that records were written before, any year will do to look at them.
NOW = datetime(2100, 1, 1, tzinfo=UTC)


class Messages(NamedTuple):
    """The messages of raw rows, in their order.

    Message i is of row `rows[i]` and is number `items[i]` in it (None where the row holds one);
    both are None where each row is one message. `faults` are the rows of what is none of its
    format: with `rows` None their payload is None, else there is none.
    """

    payloads: list[bytes | None]
    rows: list[int] | None
    items: list[int | None] | None
    faults: dict[int, Fault]


def messages(
    values: Sequence[bytes | None],
    reading: Reading,
    times: Sequence[datetime | None] | None = None,
) -> Messages:
    """The messages of records; `times` are the broker's, for times that are written without a year.

    JSON that a reading takes as it is (no mapping, no constants, a time demanded) is not parsed.
    """
    format = named(reading.format)
    if is_message(format, reading):
        return Messages(list(values), None, None, {})
    make = made(reading)
    faults: dict[int, Fault] = {}
    found: list[bytes | list[bytes] | None] = []
    for row, value in enumerate(values):
        one = None if value is None else make(value, times[row] if times else None)
        if isinstance(one, Fault):
            faults[row], one = one, None
        found.append(one)
    return _flat(found, faults)


def needs_times(reading: Reading) -> bool:
    """Whether the broker's times are asked for: where a format writes times without a year."""
    return named(reading.format).needs_times and not reading.options.get(BEFORE)


def holds_several(reading: Reading) -> bool:
    """Whether what is made of a record may be many times as large: several events, or values."""
    inner = reading.options.get("formats") or ()
    formats = [named(name) for name in (reading.format, *inner)]
    return any(each.holds_several or each.asks_registry for each in formats)


def is_message(format: Format, reading: Reading) -> bool:
    """Whether records are messages already, and are judged as strictly as they come."""
    is_plain = not (reading.mapping or reading.constants or reading.units or reading.zone)
    return format.is_message and is_plain and reading.on_missing_time == "reject"


def made(reading: Reading) -> Made:
    """What makes the messages of a record, once for a reading."""
    return _made(msgspec.json.encode(reading))


@lru_cache(maxsize=256)
def _made(written: bytes) -> Made:
    reading = msgspec.json.decode(written, type=Reading)
    format = named(reading.format)
    parse, mapped = format.parser(reading), mapper(format, reading)
    own_before = before_of(reading)

    def make(record: bytes, before: datetime | None) -> bytes | list[bytes] | Fault:
        try:
            return read(record, own_before or before)
        except MemoryError:
            raise
        except Exception as error:  # what a reader did not foresee costs its record alone
            why = f"the reader of {format.name} failed ({type(error).__name__}): report it"
            return Fault("not_decoded", why)

    def read(record: bytes, before: datetime | None) -> bytes | list[bytes] | Fault:
        found = parse(record, before)
        if isinstance(found, Fault):
            return found
        if isinstance(found, dict):
            return _written(mapped(found, before), format)
        return _each([_written(mapped(one, before), format) for one in found])

    return make


def _each(found: list[bytes | Fault]) -> list[bytes] | Fault:
    """All of them, or the first fault: a record is taken or refused as a whole."""
    fault = next((one for one in found if isinstance(one, Fault)), None)
    if not found:
        return Fault("bad_format", "it holds no event")
    return fault or [one for one in found if isinstance(one, bytes)]


def fields_of(reading: Reading) -> Callable[[bytes, Any], list[Fields | Fault]]:
    """What reads the fields of a record by their own names, or the fault of one that has none."""
    format, before = named(reading.format), before_of(reading) or NOW
    parsers: dict[Any, Parse] = {None: format.parser(reading)}

    def read(record: bytes, columns: tuple[str, ...] | None) -> list[Fields | Fault]:
        if columns not in parsers:
            parsers[columns] = format.parser(with_columns(reading, columns))
        found = parsers[columns](record, before)
        each = found if isinstance(found, list) else [found]
        return [one if isinstance(one, Fault) else _plain(one) for one in each]

    return read


def _plain(fields: Fields) -> Fields:
    """The fields with values in place of JSON that holds them."""
    return {key: value_of(value) for key, value in fields.items()}


def with_columns(reading: Reading, columns: tuple[str, ...] | None) -> Reading:
    """The reading of records under another header."""
    if columns is None:
        return reading
    options = {**reading.options, "columns": list(columns)}
    return msgspec.structs.replace(reading, options=options)


def before_of(reading: Reading) -> datetime | None:
    """The time that a reading says its records were written before: of a file, when it was."""
    written = reading.options.get(BEFORE)
    return datetime.fromisoformat(written) if written else None


def _written(message: Fields, format: Format) -> bytes | Fault:
    """A message in memory of its own size: one that orjson makes keeps a buffer of 4 kB."""
    try:
        return msgspec.json.encode(message)
    except (UnicodeEncodeError, RecursionError, TypeError):
        return format.fault("it holds what JSON in UTF-8 cannot say")


def _flat(found: list[Any], faults: dict[int, Fault]) -> Messages:
    if not any(isinstance(one, list) for one in found):
        return Messages(found, None, None, faults)
    flat = [
        (payload, row, item if isinstance(one, list) else None)
        for row, one in enumerate(found)
        if row not in faults
        for item, payload in enumerate(one if isinstance(one, list) else [one])
    ]
    payloads, rows, items = (list(column) for column in zip(*flat, strict=True))
    return Messages(payloads, rows, items, faults)
