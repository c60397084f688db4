"""Protobuf: records by the schema and message that they name, of a schema registry. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lakehouse.errors import SettingsError
from lakehouse.formats.format import Fault, Fields, Format, Parse
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas import lookup, wire
from lakehouse.formats.schemas.lookup import Written

# The option that gives fields that are not there their default (0, false, "").
DEFAULTS = "defaults"
Read = Callable[[bytes, bool], "Fields | Fault | str"]


def _parser(reading: Reading) -> Parse:
    has_defaults = reading.options.get(DEFAULTS, False)
    if not isinstance(has_defaults, bool):
        raise SettingsError("defaults is true or false", "true writes fields that are not there")

    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        try:
            number = wire.number(record)
        except wire.NoHeader as error:
            return FORMAT.fault(f"it {error}")
        read = lookup.reader(number, lookup.PROTOBUF, read_by)
        found = read if isinstance(read, Fault) else read(record, has_defaults)
        return FORMAT.fault(found) if isinstance(found, str) else found

    return parse


def read_by(written: Written) -> Read:
    """Returns what reads the records of a schema. Raises BadSchema."""
    from lakehouse.formats.schemas.protobuf_read import Reader

    return Reader(written)


FORMAT = Format(
    name="protobuf",
    title="Protobuf of a schema registry",
    wanted="Protobuf record of a schema registry",
    specificity=0,
    parser=_parser,
    recognise=lambda _sample: None,
    has_keys=True,
    asks_registry=True,
)
