"""Which lines are of a stack trace. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields

_TRACE = re.compile(
    r"^(?:[ \t]++(?:at |\.\.\. \d+ |File \".*\", line \d+|from \S+:\d+|--- End)"
    r"|Caused by: |Traceback \(most recent|goroutine \d+ \[|at [^\s(]++\([^)\n]*+\)|Suppressed: "
    r"|[\w.$]+(?:Error|Exception|Exit)\b|---> |panic: )",
    re.MULTILINE,
)
_CONTINUES = re.compile(
    r"^(?:\s|Caused by: |Traceback |Suppressed: |\}|[\w.$]+(?:Error|Exception)\b)"
)


def is_trace(text: str) -> bool:
    """Whether lines hold a stack trace."""
    return bool(_TRACE.search(text))


def with_lines(fields: Fields, rest: str) -> Fields:
    """The fields with the lines after the first: a stack trace, or more of the message."""
    if not rest:
        return fields
    if is_trace(rest):
        return {**fields, "exception": rest}
    return {**fields, "message": f"{fields.get('message', '')}\n{rest}"}


def continues(line: str) -> bool:
    """Whether a line looks as if it went on with the one before."""
    return bool(_CONTINUES.match(line))
