"""Values of events as the columns of `LogEvent`, and the severity that a level stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.leftover.column import Attributes
from lakehouse.event.fields import LogEvent
from lakehouse.event.schema import arrow_fields
from lakehouse.event.severity import level_of, severity

_FIELDS = arrow_fields(LogEvent)
_PLACES = {field.name: place for place, field in enumerate(_FIELDS)}
_LEVEL, _NUMBER = _PLACES["level"], _PLACES["severity_number"]


def arrays(values: Sequence[Sequence[Any]]) -> list[pa.Array]:
    """The columns of `LogEvent`, one array a field; levels as text."""
    return [_array(each, f.type) for each, f in zip(values, _FIELDS, strict=True)]


def place(name: str) -> int:
    """Where the column of a field is."""
    return _PLACES[name]


def with_severity(
    columns: list[pa.Array], attributes: Attributes, misfits: dict[int, list[str]]
) -> list[pa.Array]:
    """The columns with the names and numbers of OpenTelemetry in `level` and `severity_number`.

    A word that is not known goes to the attributes.
    """
    words = columns[_LEVEL].dictionary_encode()
    given = columns[_NUMBER]
    severities = [severity(word) for word in words.dictionary.to_pylist()]
    for number, word in enumerate(words.dictionary.to_pylist()):
        if severities[number] is None:
            for row in pc.indices_nonzero(pc.equal(words.indices, number)).to_pylist():
                attributes.add(row, "level", word)
                misfits[row] = [*misfits.get(row, []), "level"]
    levels = pa.array([one and one.level for one in severities], pa.string()).take(words.indices)
    numbers = pa.array([one and one.number for one in severities], given.type).take(words.indices)
    if given.null_count < len(given):
        levels = pc.coalesce(levels, _levels(given))
        numbers = pc.coalesce(given, numbers)
    columns[_LEVEL], columns[_NUMBER] = levels, numbers
    return columns


def _levels(numbers: pa.Array) -> pa.Array:
    encoded = numbers.dictionary_encode()
    names = [level_of(number) for number in encoded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(encoded.indices)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """As Arrow; most columns of a batch have a value everywhere or nowhere."""
    if values and values[0] is None and values.count(None) == len(values):
        return pa.nulls(len(values), kind)
    try:
        return pa.array(values, kind)
    except pa.ArrowTypeError:  # a level may be a number
        return pa.array([None if each is None else str(each) for each in values], kind)
