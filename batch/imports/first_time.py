"""The time that the first records of a file get where none before them has one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from batch.formats.kind import written
from lakehouse.event.textfile import lines
from lakehouse.formats.format import Fault
from lakehouse.formats.messages import before_of, made, with_columns
from lakehouse.formats.reading import Reading
from lakehouse.formats.records import records

NEXT, FILE = "next", "file"
# So many records are looked at for a time: a file without one is not read twice.
MOST = 10_000


class _Timed(msgspec.Struct):
    timestamp: datetime | None = None


_decode = msgspec.json.Decoder(_Timed).decode


def with_first_time(path: Path, reading: Reading) -> Reading:
    """Returns the reading with the first time of the file's records, or else the file's own."""
    first = next(_times(path, reading), None)
    return msgspec.structs.replace(
        reading,
        first_time=(first or written(path)).isoformat(),
        first_time_from=NEXT if first else FILE,
    )


def _times(path: Path, reading: Reading) -> Iterator[datetime]:
    before = before_of(reading)
    for record in islice(records(lines(path, keeps_cr=True), reading), MOST):
        found = made(with_columns(reading, record.columns))(record.original, before)
        if isinstance(found, Fault):
            continue
        for message in found if isinstance(found, list) else [found]:
            if time := _time(message):
                yield time


def _time(message: bytes) -> datetime | None:
    try:
        found = _decode(message).timestamp
    except msgspec.DecodeError:
        return None
    return found if found and found.tzinfo else None
