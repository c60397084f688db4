"""logfmt: `time=... level=info msg="..." key=value`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from lakehouse.formats import columns
from lakehouse.formats.format import (
    ENOUGH,
    Fault,
    Fields,
    Format,
    Parse,
    Proposal,
    Sample,
    with_more,
)
from lakehouse.formats.reading import Reading

# A quote that is not closed holds the rest of the line.
_TOKEN = re.compile(
    r'(?P<key>[A-Za-z_@][\w.@/-]{0,80})=(?:"(?P<quoted>(?:[^"\\]++|\\.)*+)"?|(?P<bare>[^\s"]*+))'
    r"(?P<more>\S*+)|\S++",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
# So much of a line is pairs, or it is something else.
LEAST_PAIRS, MOST_REST = 2, 0.3


def pairs(text: str) -> Fields | None:
    """The pairs of a line; the second of a name is `name#2`, and words between them are flags.

    None of a line that is something else.
    """
    named, rest = list[tuple[str, str]](), list[str]()
    for token in _TOKEN.finditer(text):
        key, quoted, bare, more = token.groups()
        if key is None or more:
            rest.append(token[0])
        else:
            named.append((key, bare if quoted is None else _unescaped(quoted)))
    found = with_more({}, named)
    if len(found) < LEAST_PAIRS or sum(map(len, rest)) > MOST_REST * len(text):
        return None
    return with_more(found, [("flags", " ".join(rest))] if rest else [])


def _unescaped(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), quoted)


def _parser(_reading: Reading) -> Parse:
    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        return pairs(record.decode(errors="backslashreplace").strip()) or FORMAT.fault()

    return parse


def _recognise(sample: Sample) -> Proposal | None:
    found = [*_found(sample)]
    share = len(found) / max(len(sample.lines), 1)
    return columns.proposed(share, columns.of_objects(found)) if share >= ENOUGH else None


def _found(sample: Sample) -> Iterator[Fields]:
    for line in sample.lines:
        one = pairs(line.decode(errors="backslashreplace").strip())
        if one:
            yield one


FORMAT = Format(
    name="logfmt",
    title="logfmt",
    wanted="logfmt line",
    specificity=40,
    parser=_parser,
    recognise=_recognise,
    has_keys=True,
)
