"""When: a version, or a time as a person writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakehouse.errors import SettingsError

RELATIVE = re.compile(r"^(?:-?\s*(\d+)\s*([a-z]+)|(\d+)\s*([a-z]+)\s+ago)$", re.IGNORECASE)
LENGTH = re.compile(r"^(\d+)\s*([a-z]+)$", re.IGNORECASE)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SPELLED = {
    "sec": "s",
    "second": "s",
    "min": "m",
    "minute": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
}
EXAMPLES = "2026-01-31T12:00:00Z, 2026-01-31 (its first instant, UTC), '10 minutes ago', -10m"


@dataclass(frozen=True)
class Moment:
    """At which state the tables are read: the newest, where both are None."""

    version: int | None = None
    as_of: datetime | None = None


NOW = Moment()


def moment(version: int | None, as_of: str | None, now: datetime) -> Moment:
    """What two flags mean; SettingsError where both are given, or one means nothing."""
    if version is not None and as_of is not None:
        raise SettingsError("--version and --as-of are both given", "give one of them")
    if version is not None and version < 0:
        raise SettingsError(f"--version {version}: versions count from 0")
    return Moment(version, time(as_of, now) if as_of is not None else None)


def time(text: str, now: datetime, flag: str = "--as-of") -> datetime:
    """A time with zone: RFC 3339 or a date (UTC where it names no zone), or relative to `now`."""
    relative = RELATIVE.match(text.strip())
    try:
        if relative:
            return now - _span(*(part for part in relative.groups() if part))
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        raise SettingsError(f"{flag} {text!r} is not a time", f"write one as {EXAMPLES}") from None


def later(text: str, now: datetime, flag: str) -> datetime:
    """The end of a length of time that begins now: 90s, 30m, 2h, 7d."""
    told = LENGTH.match(text.strip())
    try:
        if told and (length := _span(*told.groups())):
            return now + length
    except (KeyError, OverflowError):
        pass
    raise SettingsError(f"{flag} {text!r} is no length of time", "write one as 90s, 30m, 2h, 7d")


def _span(number: str, unit: str) -> timedelta:
    singular = unit.lower().removesuffix("s") or "s"
    return timedelta(**{UNITS[SPELLED.get(singular, singular)]: int(number)})
