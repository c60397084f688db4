"""Parses payloads one by one: to events, or to the fault of the row.

Most records have the keys that a sample of their batch has. One pass of a decoder made for these
keys reads them; any other record is read by itself (`single`), which gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.columns import arrays, place
from lakehouse.decode.conversions import converted, with_constants, with_endpoints
from lakehouse.decode.fault import no_object
from lakehouse.decode.leftover.column import Attributes, expected
from lakehouse.decode.leftover.nested import keys_of, opened
from lakehouse.decode.nesting import MAX_SHALLOW_BYTES
from lakehouse.decode.rules import Rules
from lakehouse.decode.single import REFUSED, NotSound, Single, refuse_unsound, single
from lakehouse.decode.wire import FIELDS, NAMES, Keys, event_with
from lakehouse.event.budgets import Budgets
from lakehouse.event.written import parts_of
from lakehouse.formats.direct import Direct
from lakehouse.formats.format import Fault

# A decoder costs milliseconds to make: fewer records than these are read without their keys.
FEWEST, SAMPLED = 512, 64
AT_ONCE = 512
# A key is looked for where one record of the sample in so many has it.
ONE_IN, MOST_KEYS = 8, 128


class Parsed(NamedTuple):
    """The events of a batch, an array a field; `rows` are those that they came from.

    `misfits` are the fields that did not fit, by place among the events; `mapped` are the rows that
    were read by the message that the mapper made of them.
    """

    rows: Sequence[int]
    columns: list[pa.Array]
    attributes: Attributes
    misfits: dict[int, list[str]]
    faults: dict[int, Fault]
    mapped: set[int]


def parse(
    values: pa.BinaryArray, rules: Rules, budgets: Budgets, direct: Direct | None = None
) -> Parsed:
    """Returns the events in order, and row number -> fault for the payloads that are none.

    They go to Arrow a few at a time: values that were just made are in the processor's cache.
    With `direct` these are records, and events are those of the messages that the mapper would make
    of them. It makes one only where the decoder refuses a record, or has a value that the mapper
    would convert.
    """
    renamed = tuple(sorted(direct.keys.items())) if direct else ()
    taken = {*NAMES, *(key for _, key in renamed)}
    keys = _keys(values, budgets, taken) if len(values) >= FEWEST else Keys()
    record_of, message_of = event_with(keys, renamed)[1], event_with(keys)[1]
    if not _is_plain(values):
        record_of = partial(_careful, record_of, budgets.field)
        message_of = partial(_careful, message_of, budgets.field)

    def part(at: int, again: Container[int] = ()) -> Parsed:
        some = values.slice(at, AT_ONCE).to_pylist()
        return _Part(some, keys, rules, budgets, direct).parsed(record_of, message_of, again)

    parts = {at: part(at) for at in range(0, len(values), AT_ONCE) or [0]}
    found = _joined([*parts.values()], keys)
    if direct is None:
        return found
    rows = {found.rows[place] for place in converted(found.columns, direct.given)} - found.mapped
    for at in {row - row % AT_ONCE for row in rows}:
        parts[at] = part(at, {row - at for row in rows})
    return _finished(_joined([*parts.values()], keys) if rows else found, direct)


def _finished(found: Parsed, direct: Direct) -> Parsed:
    """The events with what the mapper adds, for those that were read without it."""
    mapped = {p for p, row in enumerate(found.rows if found.mapped else ()) if row in found.mapped}
    columns = [*found.columns]
    columns[place("endpoint")] = with_endpoints(columns, mapped)
    return found._replace(columns=with_constants(columns, direct.given))


class _Part:
    """Records on their way to events.

    `_events` are by row what a decoder of the batch read, None for all others. These are
    `_singles`: each is read by itself, which gives an event or its fault.
    """

    def __init__(
        self,
        payloads: list[bytes | None],
        keys: Keys,
        rules: Rules,
        budgets: Budgets,
        direct: Direct | None,
    ) -> None:
        self._payloads, self._keys, self._direct = payloads, keys, direct
        self._rules, self._budgets = rules, budgets
        self._events: list[Any] = []
        self._singles: dict[int, Single | Fault] = {}
        self._messages: dict[int, bytes | Fault | None] = {}

    def parsed(
        self,
        record_of: Callable[[Any], Any],
        message_of: Callable[[Any], Any],
        again: Container[int] = (),
    ) -> Parsed:
        """The events of records; by their messages those refused, and the rows of `again`."""
        for row, payload in enumerate(self._payloads):
            try:
                self._events.append(None if row in again else record_of(payload))
            except REFUSED:
                self._events.append(None)
        for row in [row for row, event in enumerate(self._events) if event is None]:
            self._read(row, message_of)
        return self._parsed()

    def _read(self, row: int, message_of: Callable[[Any], Any]) -> None:
        """Reads a record by its message; by itself where it is its own message, or is refused."""
        message = self._message(row)
        if self._direct is not None and isinstance(message, bytes):
            try:
                self._events[row] = message_of(message)
                return
            except REFUSED:
                pass
        self._singles[row] = self._single(row)

    def _message(self, row: int) -> bytes | Fault | None:
        """The message of a record, made once."""
        if row not in self._messages:
            self._messages[row] = self._made(self._payloads[row])
        return self._messages[row]

    def _made(self, payload: bytes | None) -> bytes | Fault | None:
        if payload is None or self._direct is None:
            return payload
        made = self._direct.make(payload, None)
        return made if isinstance(made, bytes) else no_object(payload) or Fault(*made)

    def _single(self, row: int) -> Single | Fault:
        message = self._message(row)
        if isinstance(message, Fault):
            return message
        return single(message, self._rules, self._budgets)

    def _parsed(self) -> Parsed:
        columns, unsure = self._columns()
        if unsure:
            self._singles |= {row: self._single(row) for row in unsure}
            columns, _ = self._columns()
        rows = self._rows()
        singles = [
            (place, one)
            for place, row in enumerate(rows if self._singles else ())
            if isinstance(one := self._singles.get(row), Single)
        ]
        own = len(FIELDS)
        pairs = {place: one.attributes for place, one in singles}
        return Parsed(
            rows,
            arrays(columns[:own]),
            Attributes(self._keys, columns[own:], pairs, len(rows)),
            {place: one.misfits for place, one in singles if one.misfits},
            {row: one for row, one in self._singles.items() if isinstance(one, Fault)},
            {*self._messages},
        )

    def _columns(self) -> tuple[list[Any], set[int]]:
        """The values by field, and arrays by key; and the rows that have to be read by themselves.

        Those lack a field, or hold an object that the decoder did not look into, or which may be
        empty.
        """
        values, empty = _values(self._events, self._singles, self._keys)
        rows, own = self._rows(), len(FIELDS)
        columns, objects = expected(self._keys, values[own:])
        unsure = _lacking(values, rows, self._rules) | {rows[place] for place in empty | objects}
        return [*values[:own], *columns], unsure - self._singles.keys()

    def _rows(self) -> Sequence[int]:
        """The rows that are events."""
        count = len(self._payloads)
        faults = {row for row, one in self._singles.items() if isinstance(one, Fault)}
        return [row for row in range(count) if row not in faults] if faults else range(count)


def _values(
    events: list[Any], singles: dict[int, Single | Fault], keys: Keys
) -> tuple[list[Any], set[int]]:
    """The values of all events by field and key, those of events that were read singly too.

    With the places of events that hold an object without a value, which may be an empty one.
    """
    if singles:
        made = event_with(keys)[0]
        for row, one in singles.items():
            events[row] = None if isinstance(one, Fault) else made(*one.values)
        events = [event for event in events if event is not None]
    columns = [*zip(*map(msgspec.structs.astuple, events), strict=True)]
    own = len(FIELDS)
    columns = columns or [()] * (own + len(keys.absent))
    more, empty = opened(columns[own:], keys)
    return [*columns[:own], *more], empty


def _lacking(columns: list[Any], rows: Sequence[int], rules: Rules) -> set[int]:
    """The rows of events that lack what they must have."""
    short = [columns[place] for place in rules.places if None in columns[place]]
    return {row for each in short for row, value in zip(rows, each, strict=True) if value is None}


def _joined(parts: Sequence[Parsed], keys: Keys) -> Parsed:
    """The parts as one: rows and places counted on."""
    if len(parts) == 1:
        return parts[0]
    rows, misfits, faults = list[int](), dict[int, list[str]](), dict[int, Fault]()
    mapped = set[int]()
    for number, part in enumerate(parts):
        first = number * AT_ONCE
        misfits |= {len(rows) + place: names for place, names in part.misfits.items()}
        faults |= {first + row: fault for row, fault in part.faults.items()}
        rows += [first + row for row in part.rows]
        mapped |= {first + row for row in part.mapped}
    columns = zip(*(part.columns for part in parts), strict=True)
    return Parsed(
        rows,
        [pa.concat_arrays(column) for column in columns],
        Attributes.joined(keys, [part.attributes for part in parts]),
        misfits,
        faults,
        mapped,
    )


def _keys(values: pa.BinaryArray, budgets: Budgets, taken: Container[str]) -> Keys:
    """The keys that records of a sample have and no field takes."""
    sample = values.take(pa.array(range(0, len(values), len(values) // SAMPLED)))
    parts = [_parts(payload, budgets, taken) for payload in sample.to_pylist()]
    most = min(MOST_KEYS, budgets.attributes)
    return keys_of(parts, -(-SAMPLED // ONE_IN), most, budgets.attribute_key)


def _parts(
    payload: bytes | None, budgets: Budgets, taken: Container[str]
) -> dict[str, msgspec.Raw]:
    try:
        parts: dict[str, msgspec.Raw] = _careful(parts_of, budgets.field, payload)
    except REFUSED:
        return {}
    return {key: value for key, value in parts.items() if key not in taken}


def _is_plain(values: pa.BinaryArray) -> bool:
    """Whether the parser needs no help: no NULL, all UTF-8, none large enough to nest too deep."""
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    return values.null_count == 0 and longest <= MAX_SHALLOW_BYTES and _is_utf8(values)


def _is_utf8(values: pa.BinaryArray) -> bool:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _careful(read: Callable[[bytes], Any], longest: int, payload: bytes | None) -> Any:
    """Reads a payload; raises one of `REFUSED` for what the parser would not judge right."""
    if payload is None or len(payload) > longest:
        raise NotSound
    refuse_unsound(payload)
    return read(payload)
