"""JSON: one object a line; in files also sequences (RFC 7464), texts one after another, an array,
and texts over several lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
import orjson

from lakehouse.event.written import parts_of
from lakehouse.formats import columns
from lakehouse.formats.format import ENOUGH, Fault, Fields, Format, Parse, Proposal, Record, Sample
from lakehouse.formats.objects.texts import SEPARATOR, texts
from lakehouse.formats.reading import Reading

LINES, TEXTS = "lines", "texts"


def json_object(record: bytes) -> Fields | None:
    """The object that a record is; None where it is something else."""
    try:
        found = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def as_written(record: bytes) -> Fields | None:
    """The object that a record is, its values as they are written; None where it is another."""
    try:
        record.decode()
        return dict(parts_of(record))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parser(_reading: Reading) -> Parse:
    """Each record is an object."""

    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        found = as_written(record)
        return FORMAT.fault() if found is None else found

    return parse


def split(lines: Iterable[tuple[int, bytes]], reading: Reading) -> Iterator[Record]:
    """The objects of a file, by lines or by their brackets."""
    bare = ((number, line.rstrip(b"\r")) for number, line in lines)
    if reading.options.get("layout") == TEXTS:
        return texts(bare)
    return (Record(number, line) for number, line in bare if line.strip())


def objects_of(sample: Sample) -> tuple[list[Fields], float, str]:
    """The objects of a sample, their share of its records, and how they are laid out."""
    found = [one for line in sample.lines if (one := json_object(line)) is not None]
    share = len(found) / max(len(sample.lines), 1)
    if share >= ENOUGH or sample.head.lstrip(SEPARATOR + b" \t\r\n")[:1] not in (b"{", b"["):
        return found, share, LINES
    records = [*texts(enumerate(sample.head.splitlines(), start=1))]
    # the last one may be cut off by the end of the sample
    some = records[:-1] or records
    held = [one for record in some if (one := json_object(record.original)) is not None]
    return held, len(held) / max(len(some), 1), TEXTS


def _recognise(sample: Sample) -> Proposal | None:
    found, share, layout = objects_of(sample)
    if share < ENOUGH or not any(found):
        return None
    options = {} if layout == LINES else {"layout": layout}
    return columns.proposed(share, columns.of_objects(found), options)


FORMAT = Format(
    name="json",
    title="NDJSON",
    wanted="JSON object",
    specificity=50,
    parser=parser,
    recognise=_recognise,
    split=split,
    is_message=True,
    is_json=True,
    has_keys=True,
)
