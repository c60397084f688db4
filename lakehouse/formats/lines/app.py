"""Lines of applications: a time, most often a level, a logger, a message; stack traces joined.

log4j, logback, Spring, Python, Go, .NET, nginx and Apache errors, PostgreSQL, MySQL, Android and
others share so much that one reader takes them. Options: none. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from lakehouse.formats.format import ENOUGH, Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.lines import app_head, stack
from lakehouse.formats.reading import Reading
from lakehouse.formats.times import lacks_zone, rfc_3339

COLUMNS = ("timestamp", "level", "logger", "message", "thread", "pid", "exception")
_JUL = re.compile(rf"(?P<level>{app_head.NAMES}): (?P<message>.*)", re.DOTALL)


def _parser(reading: Reading) -> Parse:
    def parse(record: bytes, before: datetime | None) -> Fields | Fault:
        text = record.decode(errors="backslashreplace").rstrip()
        first, _, rest = text.partition("\n")
        head = app_head.read(first)
        if head is None:
            return FORMAT.fault("no time at its beginning")
        time, fields = head
        fields["timestamp"] = rfc_3339(time, reading.zone, before) or time
        return _continued(fields, rest) if rest else fields

    return parse


def _continued(fields: Fields, rest: str) -> Fields:
    """With the lines after the first: a stack trace, or more of the message."""
    second = _JUL.fullmatch(rest)
    if second and "level" not in fields:
        # java.util.logging puts level and message on a line of their own
        fields |= {"level": second["level"], "logger": fields.get("message", "")}
        message, _, rest = second["message"].partition("\n")
        fields["message"] = message
    return stack.with_lines(fields, rest)


def begins(_reading: Reading) -> Callable[[bytes], bool]:
    """A line with a time at its beginning begins a record."""
    return lambda line: app_head.begins(line[: app_head.LONGEST].decode(errors="replace"))


def _recognise(sample: Sample) -> Proposal | None:
    lines = [line.decode(errors="backslashreplace") for line in sample.lines]
    found = [head for line in lines if (head := app_head.read(line))]
    if len(found) < ENOUGH * sum(not stack.continues(line) for line in lines) or not found:
        return None
    share = (len(found) + sum(map(stack.continues, lines))) / len(lines)
    has_level = any("level" in fields for _, fields in found)
    notes = () if has_level else ("no level is found in its lines",)
    zoneless = any(lacks_zone(time) for time, _ in found[:20])
    return Proposal(share, columns=COLUMNS, notes=notes, lacks_zone=zoneless)


FORMAT = Format(
    name="app",
    title="application log",
    wanted="line of an application log",
    specificity=30,
    parser=_parser,
    recognise=_recognise,
    begins=begins,
    needs_times=True,
)
