"""JSON with the number of its schema before it, as registries have it, and without. Pure.

The schema is not asked for: a record of JSON says itself what it holds, and whether it is an event
is judged by the one strict decoder.
"""

from __future__ import annotations

from datetime import datetime

from lakehouse.formats.format import Fault, Fields, Format, Parse
from lakehouse.formats.objects.json import as_written
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas import wire


def _parser(_reading: Reading) -> Parse:
    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        if record[:1] == b"\x00":
            try:
                wire.number(record)
            except wire.NoHeader as error:
                return FORMAT.fault(f"it {error}")
            record = record[wire.HEADER :]
        found = as_written(record)
        return FORMAT.fault() if found is None else found

    return parse


FORMAT = Format(
    name="json-schema",
    title="JSON of a schema registry",
    wanted="JSON object of a schema registry",
    specificity=0,
    parser=_parser,
    recognise=lambda _sample: None,
    has_keys=True,
)
