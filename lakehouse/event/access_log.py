"""Lines of Apache and nginx access logs (common and combined format) to events.

Pure, standard library only. A line is an event or it is not: nothing of a broken line is guessed.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from lakehouse.event.fields import LogEvent
from lakehouse.event.routes import MALFORMED, template

_TEXT = r'(?:[^"\\]|\\.)*+'
# Further fields after the agent are common (nginx adds X-Forwarded-For), and no part of an event.
# Lengths are bounded where a field has no closing mark, so that a hostile line costs no more.
_LINE = re.compile(
    rf"(?P<ip>\S{{1,255}}) \S{{1,255}} (?P<user>.{{1,255}}?) \[(?P<time>[^\]]{{26}})\] "
    rf'"(?P<request>{_TEXT})" (?P<status>[1-5]\d\d) (?P<size>\d{{1,18}}|-)'
    rf'(?: "{_TEXT}" "(?P<agent>{_TEXT})"(?: (?:"{_TEXT}"|[^\s"]++))*+)?\s*',
    re.ASCII,
)
_REQUEST = re.compile(r"([A-Z]{3,20}) (\S.*?)(?: HTTP/\d(?:\.\d)?)?", re.ASCII)
_TIME = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_MONTHS = {
    "Jan": 1,
    "Feb": 2,
    "Mar": 3,
    "Apr": 4,
    "May": 5,
    "Jun": 6,
    "Jul": 7,
    "Aug": 8,
    "Sep": 9,
    "Oct": 10,
    "Nov": 11,
    "Dec": 12,
}
_ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\.", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}


def parse(line: str | bytes, service: str, event_id: str) -> LogEvent | None:
    """The event of a line; None for a line in another format, cut short, or of no real time.

    `-` stands for a missing value. A request that is no HTTP request becomes the path, without a
    method. Bytes that are no UTF-8 stay readable as `\\xff`, as Apache writes them itself.
    """
    text = line if isinstance(line, str) else line.decode(errors="backslashreplace")
    found = _LINE.fullmatch(text)
    time = _time(found["time"]) if found else None
    if not found or not time:
        return None
    method, path = _request(found["request"])
    return LogEvent(
        event_id=event_id,
        timestamp=time,
        service=service,
        endpoint=template(path) if method and path else MALFORMED,
        status_code=int(found["status"]),
        ip=found["ip"],
        method=method,
        path=path,
        bytes_sent=None if found["size"] == "-" else int(found["size"]),
        user_agent=_value(found["agent"]),
        user=_value(found["user"]),
    )


def event_id(file: str, line: int) -> str:
    """The name of the event on a line: a hash of the file's own (its sha256) and the number."""
    return hashlib.sha256(f"{file}:{line}".encode()).hexdigest()[:32]


def _request(raw: str) -> tuple[str | None, str | None]:
    request = _value(raw)
    found = _REQUEST.fullmatch(request or "")
    return (found[1], found[2]) if found else (None, request)


def _value(raw: str | None) -> str | None:
    if raw is None or raw in ("", "-"):
        return None
    return _ESCAPE.sub(_unescaped, raw) if "\\" in raw else raw


def _unescaped(escape: re.Match[str]) -> str:
    """One escape; neighbouring `\\xhh` belong together, as the bytes of one character may."""
    written = escape[0]
    if written.startswith(r"\x") and len(written) > 2:
        return bytes.fromhex(written.replace(r"\x", "")).decode(errors="backslashreplace")
    return _ESCAPED.get(written[1], written[1])


@lru_cache(maxsize=1024)
def _time(written: str) -> datetime | None:
    found = _TIME.fullmatch(written)
    if not found or found[2] not in _MONTHS:
        return None
    day, _, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    clock = (int(hour), int(minute), int(second))
    try:
        local = datetime(int(year), _MONTHS[found[2]], int(day), *clock, tzinfo=timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
