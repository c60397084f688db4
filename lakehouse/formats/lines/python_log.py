"""Lines of Python's `logging` as it is set up by default: `LEVEL:logger:message`. Pure.

They have no time. Lines of a stack trace are joined to the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from lakehouse.formats.format import ENOUGH, Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.lines import stack
from lakehouse.formats.reading import Reading

COLUMNS = ("level", "logger", "message", "exception")
_LINE = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL|Level \d{1,4}):(?P<logger>[\w.$-]{1,255}):"
    r"(?P<message>.*)"
)


def read(line: str) -> Fields | None:
    """The fields of a line; None of one that is none."""
    found = _LINE.match(line)
    return found.groupdict() if found else None


def _parser(_reading: Reading) -> Parse:
    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        first, _, rest = record.decode(errors="backslashreplace").rstrip().partition("\n")
        fields = read(first)
        return FORMAT.fault() if fields is None else stack.with_lines(fields, rest)

    return parse


def _begins(_reading: Reading) -> Callable[[bytes], bool]:
    return lambda line: read(line.decode(errors="replace")) is not None


def _recognise(sample: Sample) -> Proposal | None:
    lines = [line.decode(errors="backslashreplace") for line in sample.lines]
    count = sum(read(line) is not None for line in lines)
    if not count or count < ENOUGH * sum(not stack.continues(line) for line in lines):
        return None
    share = (count + sum(map(stack.continues, lines))) / len(lines)
    return Proposal(min(share, 1.0), columns=COLUMNS, notes=("its lines have no time",))


FORMAT = Format(
    name="python",
    title="Python log",
    wanted="line of Python's logging",
    specificity=28,
    parser=_parser,
    recognise=_recognise,
    begins=_begins,
)
