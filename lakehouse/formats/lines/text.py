"""Text by a regular expression of one's own, whose named groups are the fields. Pure.

Options: `pattern`, and `begins`, a pattern that tells lines that begin a record from others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from lakehouse.errors import SettingsError
from lakehouse.formats.format import Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.reading import Reading


def _pattern(reading: Reading, option: str) -> re.Pattern[str]:
    """An option as a pattern; SettingsError where it is none."""
    written = reading.options.get(option) or ""
    try:
        found = re.compile(written, re.DOTALL)
    except re.error as error:
        raise SettingsError(f"{option} is no regular expression: {error}", written) from None
    if option == "pattern" and not found.groupindex:
        raise SettingsError(
            "the format text has no pattern with named groups",
            r'pattern = "(?P<timestamp>\\S+) (?P<level>\\w+) (?P<message>.*)"',
        )
    return found


def _parser(reading: Reading) -> Parse:
    pattern = _pattern(reading, "pattern")

    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        found = pattern.fullmatch(record.decode(errors="backslashreplace").rstrip("\r\n"))
        if not found:
            return FORMAT.fault()
        return {name: value for name, value in found.groupdict().items() if value is not None}

    return parse


def _begins(reading: Reading) -> Callable[[bytes], bool]:
    if not reading.options.get("begins"):
        return lambda _line: True
    pattern = _pattern(reading, "begins")
    return lambda line: bool(pattern.match(line.decode(errors="backslashreplace")))


def _recognise(_sample: Sample) -> Proposal | None:
    """Never: a pattern is given by a person."""
    return None


FORMAT = Format(
    name="text",
    title="text",
    wanted="line of the given pattern",
    specificity=1,
    parser=_parser,
    recognise=_recognise,
    begins=_begins,
    has_keys=True,
)
