"""Times as logs write them, as RFC 3339 text in UTC. Pure.

One reader for all formats and columns: RFC 3339 and what is near it, comma fractions, CLF, RFC
2822, `ctime`, syslog, compact forms, and epochs in s, ms, us and ns. A form that means two things
(03/04/2026) is no time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
MONTHS = {name: number for number, name in enumerate(_NAMES.split(" "), start=1)}
_MONTH = r"(?P<name>[A-Za-z]{3})[a-z]{0,6}"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,:](?P<fraction>\d{1,13}))?)?"
_HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_ZONE = r"(?: ?(?P<zone>Z|z|UTC|GMT|[+\-\u2212]\d\d(?::?\d\d)?)(?![\w:]))?"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?"
FORMS = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d\d)(?P=mark)(?P<day>\d\d)[Tt _:-]"
    rf"{_CLOCK}{_ZONE}",
    rf"(?P<day>\d\d)/{_MONTH}/(?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}",
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[ -]{_MONTH}[ -](?P<year>\d{{4}}) {_CLOCK}{_ZONE}",
    rf"{_WEEKDAY}{_MONTH} +(?P<day>\d{{1,2}}),? (?P<year>\d{{4}}),? {_CLOCK}{_HALF}{_ZONE}",
    rf"{_WEEKDAY}{_MONTH} +(?P<day>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<year>\d{{4}})(?!\d)",
    rf"{_MONTH} +(?P<day>\d{{1,2}}) {_CLOCK}{_ZONE}",
    rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)[-T ]{_CLOCK}{_ZONE}",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)[T-](?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    rf"(?:[.,](?P<fraction>\d{{1,13}}))?{_ZONE}",
    rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}),? {_CLOCK}{_ZONE}",
    rf"(?P<first>\d{{1,2}})/(?P<other>\d{{1,2}})/(?P<year>\d{{4}}),? {_CLOCK}{_HALF}{_ZONE}",
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)-(?P<hour>\d\d)\.(?P<minute>\d\d)\."
    r"(?P<second>\d\d)\.(?P<fraction>\d{1,9})",
)
_FORMS = tuple(re.compile(form, re.ASCII | re.IGNORECASE) for form in FORMS)
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.(\d{1,20}))?", re.ASCII)
_OFFSET = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d", re.ASCII)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
# Of so many years one has a 29 February.
LEAP = 8
# No time is longer.
LONGEST = 64


def rfc_3339(value: Any, zone: str = "", before: datetime | None = None) -> str | None:
    """The time that a value says, as RFC 3339 text; None where it says none, or lacks a zone.

    `zone` is that of times without one. `before` is the time that a time without a year comes
    right before; without it such a time is none.
    """
    if isinstance(value, str):
        if RFC_3339.fullmatch(value):
            return value
        return _of_text(value, zone, before) if len(value) <= LONGEST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return _of_epoch(f"{value:.6f}")
    return _of_epoch(str(value)) if 0 < value < 10**19 else None


def is_time(value: Any) -> bool:
    """Whether a value says a time, if it were told its zone and its year."""
    return rfc_3339(value, "UTC", datetime(2026, 1, 1, tzinfo=UTC)) is not None


def lacks_zone(value: Any) -> bool:
    """Whether a value is a time, but for its zone."""
    return is_time(value) and rfc_3339(value, "", datetime(2026, 1, 1, tzinfo=UTC)) is None


@lru_cache(maxsize=4096)
def _of_text(text: str, zone: str, before: datetime | None) -> str | None:
    bare = text.strip().strip("[]\"'")
    return next(
        (
            written
            for form in _FORMS
            if (found := form.fullmatch(bare)) and (written := written_of(found, zone, before))
        ),
        None,
    ) or _of_epoch(bare)


def _of_epoch(text: str) -> str | None:
    """An epoch by its digits: 9 or 10 are seconds, three more ms, us, ns; each with a fraction."""
    found = _EPOCH.fullmatch(text)
    if not found:
        return None
    whole, fraction = found[1], found[2] or ""
    # to nanoseconds: one of fewer digits is of 2001 or before
    nanos = (whole + fraction).ljust(19, "0")[: 18 + (len(whole) % 3 == 1)]
    return _text(_EPOCH_START + timedelta(microseconds=int(nanos) // 1000))


def written_of(found: re.Match[str], zone: str, before: datetime | None) -> str | None:
    """The time of a match of one of the forms."""
    parts = found.groupdict()
    offset, day = _offset(parts.get("zone"), zone), _day(parts)
    if offset is None or day is None:
        return None
    if year := parts.get("year"):
        moment = _moment(int(year) + 2000 * (len(year) == 2), day, parts, offset)
    else:
        moment = _last(day, parts, offset, before) if before else None
    return _text(moment) if moment else None


def _last(
    day: tuple[int, int], parts: dict[str, str | None], offset: tzinfo, before: datetime
) -> datetime | None:
    """The last such time before another one, or on the day after it: clocks and zones differ."""
    years = range(before.year + 1, before.year - LEAP - 1, -1)
    moments = (_moment(year, day, parts, offset) for year in years)
    return next((one for one in moments if one and one - before <= _DAY), None)


def _moment(
    year: int, day: tuple[int, int], parts: dict[str, str | None], offset: tzinfo
) -> datetime | None:
    try:
        return (datetime(year, *day, tzinfo=offset) + _clock(parts)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(parts: dict[str, str | None]) -> tuple[int, int] | None:
    month, day = parts.get("month"), parts.get("day")
    if parts.get("first"):
        month, day = _by_half(str(parts["first"]), str(parts["other"]), bool(parts.get("half")))
    name = parts.get("name")
    number = MONTHS.get(name.lower()) if name else month and int(month)
    return (number, int(day)) if number and day else None


def _by_half(first: str, other: str, has_half: bool) -> tuple[str | None, str | None]:
    """Month and day: `1/31/2026` has one reading, and with AM or PM the month comes first."""
    if has_half or int(other) > 12:
        return first, other
    return (other, first) if int(first) > 12 else (None, None)


def _clock(parts: dict[str, str | None]) -> timedelta:
    """Since midnight; 24:00:00 and a second of 60 are those that come next."""
    hour, minute, second = (int(parts.get(p) or 0) for p in ("hour", "minute", "second"))
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no time of a day")
    micros = int((parts.get("fraction") or "").ljust(6, "0")[:6])
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micros)


def _offset(written: str | None, zone: str) -> tzinfo | None:
    named = written or zone
    if named in ("Z", "z", "UTC", "GMT", "utc", "gmt"):
        return UTC
    return _zone(named) if named else None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo | None:
    plain = name.replace("\u2212", "-")
    if plain[0] in "+-":
        digits = plain[1:].replace(":", "").ljust(4, "0")
        if not _OFFSET.fullmatch(digits):
            return None
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        return timezone(timedelta(minutes=minutes) * (-1 if plain[0] == "-" else 1))
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Whether a zone is known: `UTC`, `Europe/Berlin`, `+02:00`."""
    return bool(name) and _offset(None, name) is not None


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
