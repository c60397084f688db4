"""What is asked: from when to when, by which period, of whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lakehouse.errors import SettingsError
from lakehouse.terminal import times

GRANULARITIES = {"30m": timedelta(minutes=30), "1day": timedelta(days=1)}


@dataclass(frozen=True)
class Question:
    """Times are UTC without a zone, as in the files; `until` is the first instant left out."""

    since: datetime | None
    until: datetime | None
    granularity: str
    dimensions: tuple[str, ...]
    users: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()

    @property
    def step(self) -> timedelta:
        """The length of a period."""
        return GRANULARITIES[self.granularity]

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The members that alone count, of each dimension that is narrowed."""
        return {name: names for name, names in (("user", self.users), ("app", self.apps)) if names}


def question(
    now: datetime,
    since: str | None,
    until: str | None,
    granularity: str,
    dimensions: str,
    users: str | None = None,
    apps: str | None = None,
) -> Question:
    """The question of these flags, times relative to `now`; SettingsError if they do not fit."""
    begin = None if since is None else _utc(times.time(since, now, "--from-datetime"))
    end = None if until is None else _utc(times.end(until, now, "--to-datetime"))
    if begin and end and begin >= end:
        raise SettingsError(
            f"--from-datetime {since} is not before --to-datetime {until}",
            "for January: 2025-01-01 to 2025-02-01, or to '2025-01-31 23:59:59'",
        )
    return Question(
        begin,
        end,
        granularity,
        tuple(dimensions.split(",")),
        _listed(users, "--user"),
        _listed(apps, "--app"),
    )


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=None)


def _listed(text: str | None, flag: str) -> tuple[str, ...]:
    if text is None:
        return ()
    names = text.split(",")
    if not all(names):
        raise SettingsError(f"{flag} {text!r} has an empty name", f"write it as {flag} one,two")
    return tuple(names)
