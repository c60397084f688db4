"""Lines of one of a few fixed patterns, whose named groups are fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from lakehouse.formats.format import Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.reading import Reading
from lakehouse.formats.times import lacks_zone, rfc_3339

# Nothing longer is looked at: such a line is of another format.
LONGEST = 64 << 10


def by_pattern(
    name: str,
    title: str,
    patterns: Sequence[re.Pattern[str]],
    specificity: int,
    edit: Callable[[Fields], Fields] = lambda fields: fields,
    service: str | None = None,
) -> Format:
    """The format of lines of any of the patterns; `edit` changes what their groups gave.

    Each pattern has a group `timestamp`. Groups with no value are left out. `service` is that of
    lines that name none.
    """
    own: Format

    def read(record: bytes) -> Fields | None:
        text = record[: LONGEST + 1].decode(errors="backslashreplace").rstrip()
        if len(record) > LONGEST:
            return None
        found = next((found for one in patterns if (found := one.fullmatch(text))), None)
        return edit(_given(found)) if found else None

    def parser(reading: Reading) -> Parse:
        def parse(record: bytes, before: datetime | None) -> Fields | Fault:
            fields = read(record)
            if fields is None:
                return own.fault()
            time = fields["timestamp"]
            return {**fields, "timestamp": rfc_3339(time, reading.zone, before) or time}

        return parse

    def recognise(sample: Sample) -> Proposal | None:
        found = [fields for line in sample.lines if (fields := read(line))]
        if not found:
            return None
        columns = tuple(dict.fromkeys(key for fields in found for key in fields))
        zoneless = any(lacks_zone(fields["timestamp"]) for fields in found[:20])
        return Proposal(len(found) / len(sample.lines), columns=columns, lacks_zone=zoneless)

    own = Format(
        name=name,
        title=title,
        wanted=f"line of {title}",
        specificity=specificity,
        parser=parser,
        recognise=recognise,
        service=service,
    )
    return own


def _given(found: re.Match[str]) -> Fields:
    return {key: text for key, text in found.groupdict().items() if text not in (None, "", "-")}
