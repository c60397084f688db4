"""Times and lengths of time as a person writes them, and the state of the lake that they choose.

Whatever asks for a length of time takes 90, 90s, 5m, 2h or 1d; so do times relative to now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakehouse.errors import SettingsError
from lakehouse.tables.tag import NAME, number_or_name

NUMBER = r"(\d+(?:\.\d+)?)"
LENGTH = re.compile(rf"{NUMBER}\s*([a-z]*)", re.IGNORECASE | re.ASCII)
# A number alone is no time: it may be a year, or a date without its dashes.
BACK = re.compile(
    rf"-\s*{NUMBER}\s*([a-z]*)|{NUMBER}\s*([a-z]*?)\s+ago|{NUMBER}\s*([a-z]+)",
    re.IGNORECASE | re.ASCII,
)
SECONDS, FRACTION = re.compile(r":\d\d:\d\d"), re.compile(r":\d\d[.,](\d+)")
HALF_HOUR = 1800
SPELLINGS = {
    "seconds": "s sec secs second seconds",
    "minutes": "m min mins minute minutes",
    "hours": "h hour hours",
    "days": "d day days",
    "weeks": "w week weeks",
}
UNITS = {
    "": "seconds",
    **{word: unit for unit, words in SPELLINGS.items() for word in words.split()},
}
LONGEST = timedelta(days=36_525)
# Seconds, or thousandths, millionths or billionths of one, since 1970: told apart by their length.
EPOCH = re.compile(r"\d{10}(?:\d{3}|\d{6}|\d{9})?", re.ASCII)
DIGITS = re.compile(r"\d+", re.ASCII)
DATE = 8
TO_THE_SECOND = re.compile(r".*\d\d:\d\d:\d\d(?![\d:.,]).*", re.ASCII)
TIMES = "2026-01-31T12:00:00Z, 2026-01-31 (its first instant, UTC), '10 minutes ago', -10m"
LENGTHS = "90, 90s, 5m, 2h or 1d"


@dataclass(frozen=True)
class Moment:
    """At which state the tables are read: the newest, where nothing is given.

    `name` is that of a version: of the table itself, or else of another one, whose time it is then.
    """

    version: int | None = None
    as_of: datetime | None = None
    name: str = ""


NOW = Moment()


def moment(version: str | None, as_of: str | None, now: datetime) -> Moment:
    """Parses two flags to a moment; each may be the name of a version.

    Raises SettingsError for both, or for one that is invalid.
    """
    if version is not None and as_of is not None:
        raise SettingsError("--version and --as-of are both given", "give one of them")
    if version is not None:
        asked = number_or_name(version, "--version")
        return Moment(version=asked) if isinstance(asked, int) else Moment(name=asked)
    if as_of is None:
        return NOW
    if NAME.fullmatch(as_of.strip()):  # no time begins with a letter
        return Moment(name=as_of.strip())
    return Moment(as_of=state_time(as_of, now))


def state_time(text: str, now: datetime, flag: str = "--as-of") -> datetime:
    """The time at which tables are read: of a time to the second, its whole second.

    So a time of a commit, shown to the second, gives the state that the commit left.
    """
    found = time(text, now, flag)
    is_epoch_second = re.fullmatch(r"\d{10}", text.strip(), re.ASCII)
    is_to_the_second = TO_THE_SECOND.fullmatch(text) or is_epoch_second
    return found.replace(microsecond=999_999) if is_to_the_second else found


def time(text: str, now: datetime, flag: str = "--as-of") -> datetime:
    """A time with zone: RFC 3339 or a date (UTC where it names no zone), seconds since 1970 (or
    thousandths, millionths, billionths of them), or relative to `now`.
    """
    written = text.strip()
    back = BACK.fullmatch(written)
    try:
        if back:
            return now - _length(*(part for part in back.groups() if part is not None))
        if EPOCH.fullmatch(written):
            return _since_1970(written)
        if DIGITS.fullmatch(written) and len(written) != DATE:
            raise ValueError("neither a date nor a time since 1970")
        found = datetime.fromisoformat(written)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{flag} {text[:40]!r} is not a time", f"write one as {TIMES}"
        ) from None


def end(text: str, now: datetime, flag: str) -> datetime:
    """The first instant after a range that ends at a time.

    A whole half hour, as a date is, ends the range itself. Any other time counts in full, as
    precisely as it is written: 23:59:59 that second, 23:59 that minute.
    """
    found, fraction = time(text, now, flag), FRACTION.search(text)
    if BACK.fullmatch(text.strip()) or not found.timestamp() % HALF_HOUR:
        return found
    if fraction:
        return found + timedelta(seconds=10.0 ** -min(len(fraction[1]), 6))
    has_seconds = found.second or SECONDS.search(text)
    return found + timedelta(seconds=1 if has_seconds else 60)


def length(text: str, flag: str) -> timedelta:
    """A length of time from 0 on: seconds, or a number and a unit; SettingsError if it is none."""
    found = LENGTH.fullmatch(text.strip())
    try:
        if found:
            return _length(*found.groups())
    except (ValueError, OverflowError):
        pass
    raise SettingsError(f"{flag} {text[:40]!r} is no length of time", f"write one as {LENGTHS}")


def later(text: str, now: datetime, flag: str) -> datetime:
    """The end of a length of time that begins now; SettingsError where it ends at once."""
    lasts = length(text, flag)
    if not lasts:
        raise SettingsError(f"{flag} {text!r} ends at once", f"write one as {LENGTHS}")
    return now + lasts


def _since_1970(digits: str) -> datetime:
    micros = int(digits[:16].ljust(16, "0"))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _length(number: str, unit: str) -> timedelta:
    if unit.lower() not in UNITS:
        raise ValueError(f"no unit {unit}")
    found = timedelta(**{UNITS[unit.lower()]: float(number)})
    if found > LONGEST:
        raise ValueError(f"longer than {LONGEST}")
    return found


def rendered(moment: datetime) -> str:
    """A time as a person reads it, and can give it back: to the microsecond where it has any."""
    exact = f".{moment:%f}".removesuffix("000") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{exact}Z"
