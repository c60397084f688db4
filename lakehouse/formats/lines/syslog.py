"""syslog: RFC 3164 and RFC 5424, as sent and as files keep it, with or without a priority.

What a program wrote may be of a format of its own (nginx's access log by way of syslog): the
option `inner` names it. A time of RFC 3164 has no year: it is the last such time before the
record's own. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

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
from lakehouse.formats.lines.app_head import NAMES
from lakehouse.formats.reading import Reading
from lakehouse.formats.times import lacks_zone, rfc_3339
from lakehouse.formats.wrapping import inner_of, inner_proposal, within

COLUMNS = ("timestamp", "host", "service", "pid", "level", "message")
_PRIORITY = r"(?:\d{1,5} )?(?:<(?P<priority>\d{1,3})>)"
_RFC_5424 = re.compile(
    rf"{_PRIORITY}\d{{1,2}} (?P<time>\S+) (?P<host>\S+) (?P<tag>\S+) (?P<pid>\S+) (?P<id>\S+) ?"
    r"(?P<data>-|(?:\[(?:[^\]\\\"]++|\\.|\"(?:[^\"\\]++|\\.)*+\")*+\])++)?"
    r"(?: (?:\ufeff)?(?P<message>.*))?",
    re.DOTALL,
)
_CLOCK = r"\d\d:\d\d:\d\d(?:\.\d{1,9})?"
_TIME = (
    rf"(?:[A-Z][a-z]{{2}} [ \d]\d (?:\d{{4}} )?{_CLOCK}(?: \d{{4}})?"
    rf"|\d{{4}}-\d\d-\d\dT{_CLOCK}(?:Z|[+-]\d\d:?\d\d))"
)
_RFC_3164 = re.compile(
    rf"(?:{_PRIORITY})?(?P<time>{_TIME}):? "
    r"(?:(?P<host>[\w.:@/-]{1,255}) )?"
    r"(?P<tag>[A-Za-z_(][^\s\[\]:]{0,80})(?:\[(?P<pid>[^\]\s]{1,40})\])?(?:: ?|(?<=kernel) )"
    r"(?P<message>.*)",
    re.DOTALL,
)
_BARE = re.compile(
    rf"(?:{_PRIORITY})?(?P<time>{_TIME}) (?P<host>[\w.:-]{{1,255}}) (?P<message>.*)", re.DOTALL
)
# An element begins with its name; whatever else stands in it is passed over.
_DATA = re.compile(
    r'\[(?P<id>[^\s=\]"]*+)(?P<end>\])?'
    r'|(?P<name>[^\s=\]\["]++)(?:="(?P<value>(?:[^"\\]++|\\.)*+)")?+|.',
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\\]])')


def read(text: str) -> tuple[Fields, str] | None:
    """The fields of a line but for its message, and that; None of a line that is none."""
    found = _RFC_5424.fullmatch(text) or _RFC_3164.fullmatch(text) or _BARE.fullmatch(text)
    if not found:
        return None
    parts = found.groupdict()
    if _is_application(parts):
        return None
    names = {"time": "timestamp", "host": "host", "tag": "service", "pid": "pid", "id": "msg_id"}
    fields: Fields = {
        to: parts[name] for name, to in names.items() if parts.get(name) not in (None, "-")
    }
    if parts.get("priority"):
        facility, level = divmod(int(parts["priority"]), 8)
        fields |= {"facility": facility, "level": str(level)}
    return with_more(fields, _data(parts.get("data") or "")), parts.get("message") or ""


def _data(text: str) -> Iterator[tuple[str, str]]:
    """The parameters of structured data, each with the name of its element before its own."""
    element = ""
    for found in _DATA.finditer(text):
        if found["id"] is not None:
            element = found["id"]
            if found["end"]:
                yield element, ""
        elif found["value"] is not None:
            yield f"{element}.{found['name']}", _ESCAPE.sub(r"\1", found["value"])


def _is_application(parts: dict[str, str | None]) -> bool:
    """An application has a level where syslog has a host, or neither a host nor a process."""
    host, is_dated = parts.get("host"), (parts["time"] or "")[:1].isdigit()
    if parts.get("priority") or not is_dated:
        return False
    return bool(re.fullmatch(NAMES, host)) if host else not parts.get("pid")


def _parser(reading: Reading) -> Parse:
    inner = inner_of(reading)

    def parse(record: bytes, before: datetime | None) -> Fields | list[Fields] | Fault:
        found = read(record.decode(errors="backslashreplace").rstrip("\r\n"))
        if found is None:
            return FORMAT.fault()
        fields, message = found
        time = fields.get("timestamp")
        if time:
            fields["timestamp"] = rfc_3339(time, reading.zone, before) or time
        return within(fields, message, inner, before)

    return parse


def _recognise(sample: Sample) -> Proposal | None:
    found = [one for line in sample.lines if (one := read(line.decode(errors="replace").rstrip()))]
    strict = [one for one in found if "service" in one[0]]
    share = len(found) / max(len(sample.lines), 1)
    if share < ENOUGH or len(strict) < ENOUGH * len(found):
        return None
    zoneless = any(lacks_zone(fields.get("timestamp")) for fields, _ in found[:20])
    proposed = inner_proposal([message.encode() for _, message in found])
    return Proposal(
        share,
        proposed.options if proposed else {},
        columns=(*COLUMNS, *(proposed.columns if proposed else ())),
        notes=proposed.notes if proposed else (),
        lacks_zone=zoneless and (not proposed or "timestamp" not in proposed.columns),
    )


FORMAT = Format(
    name="syslog",
    title="syslog",
    wanted="syslog line",
    specificity=70,
    parser=_parser,
    recognise=_recognise,
    needs_times=True,
)
