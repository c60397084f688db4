"""CSV: a header or none, any of four separators, quotes doubled or with a backslash. Pure.

Options: `delimiter`, `columns`, `header` (whether the file has one), `skip` (lines before it),
`escape`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from lakehouse.formats import columns
from lakehouse.formats.format import (
    ENOUGH,
    Fault,
    Fields,
    Format,
    Parse,
    Proposal,
    Record,
    Sample,
    distinct,
)
from lakehouse.formats.reading import Reading
from lakehouse.formats.tables import separated
from lakehouse.formats.tables.rows import cells, rows, settings

# More specific than lines of applications where its columns are fields of an event: one by its
# name in a header, or so many by their values.
SURE, KNOWN = 35, 2


def _parser(reading: Reading) -> Parse:
    """A row with more or fewer cells than the others is broken: which is which is not guessed."""
    names = distinct(reading.options.get("columns") or ())
    form = _form(reading)

    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        found = cells(record, form)
        if found is None:
            return FORMAT.fault("its quotes are wrong")
        if len(found) != len(names):
            return FORMAT.fault(f"{len(found)} values for {len(names)} columns")
        return dict(zip(names, found, strict=True))

    return parse


def _split(lines: Iterable[tuple[int, bytes]], reading: Reading) -> Iterator[Record]:
    skip, header = int(reading.options.get("skip") or 0), bool(reading.options.get("header"))
    return islice(rows(islice(lines, skip, None), _form(reading)), int(header), None)


def _form(reading: Reading) -> dict[str, object]:
    options = reading.options
    return settings(options.get("delimiter") or ",", options.get("escape") or "")


def _recognise(sample: Sample) -> Proposal | None:
    head = sample.head or b"\n".join(sample.lines)
    found = separated.recognise(head.decode(errors="backslashreplace"))
    if not found or found.share < ENOUGH:
        return None
    options = {
        "delimiter": found.delimiter,
        "header": found.header,
        "columns": list(found.columns),
        **({"skip": found.skip} if found.skip else {}),
        **({"escape": found.escape} if found.escape else {}),
    }
    proposed = columns.proposed(found.share, found.examples, options, has_names=found.header)
    fields = {*proposed.mapping.values()}
    is_sure = len(fields) >= (1 if found.header else KNOWN)
    return replace(proposed, specificity=SURE) if is_sure else proposed


FORMAT = Format(
    name="csv",
    title="CSV",
    wanted="CSV row of the file's columns",
    specificity=25,
    parser=_parser,
    recognise=_recognise,
    split=_split,
    has_keys=True,
)
