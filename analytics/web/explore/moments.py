"""Two times of one length: before and after a moment, or now and a while earlier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.web.base.view import View
from analytics.web.explore.filters import Filters
from analytics.web.explore.parameters import EVER, INSTANT
from analytics.web.lake import incidents
from lakehouse.errors import SettingsError
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.tables.tag import NAME
from lakehouse.terminal import times
from lakehouse.terminal.times import Moment

BEFORE = "before"
# What is offered first, and what it is called.
EARLIER = {BEFORE: "the time right before", "1d": "a day earlier", "7d": "a week earlier"}
INCIDENT, TAG = "incident:", "tag:"
LENGTH = re.compile(r"\d+(\.\d+)?\s*[a-z]+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Pair:
    """The filters of the earlier and of the later time; `divider` is a moment between them.

    `title` says in words since when, or against which time.
    """

    earlier: Filters
    later: Filters
    title: str
    divider: datetime | None = None


def pair(view: View, filters: Filters, against: str) -> Pair:
    """The two times that a person means; the filters give what is selected, and how long.

    `against` is `before`, a length of time, the name of a version of `logs`, `incident:ID`, or a
    time. After a moment there may be less time than that: then both are as short. Raises
    SettingsError where nothing came since, TableError for a name or an incident that is none.
    """
    text = against.strip() or BEFORE
    if text == BEFORE:
        return _shifted(filters, filters.end - filters.first, f"against {EARLIER[BEFORE]}")
    if LENGTH.fullmatch(text):
        by = times.length(text, "against")
        return _shifted(filters, by, f"against {EARLIER.get(text, f'{text} earlier')}")
    if text.startswith(INCIDENT):
        return _divided(view, filters, _opened(view, text.removeprefix(INCIDENT)), "the incident")
    name = text.removeprefix(TAG)
    if NAME.fullmatch(name):
        return _divided(view, filters, _tagged(view, name), name)
    at = times.time(text, view.snapshot.now, "against")
    return _divided(view, filters, at, times.rendered(at))


def _shifted(filters: Filters, by: timedelta, title: str) -> Pair:
    if not by:
        raise SettingsError("against: the same time twice", "write how much earlier, 1d or 7d")
    first, end = _back(filters.first, by), _back(filters.end, by)
    if first >= end:
        raise SettingsError("there is no time so long ago", "choose a shorter time")
    return Pair(_named(filters, "e_", first, end), filters, title)


def _divided(view: View, filters: Filters, at: datetime, title: str) -> Pair:
    newest = view.snapshot.event_times()[1] + INSTANT
    length = min(filters.end - filters.first, newest - at, at - EVER[0])
    if length <= timedelta():
        raise SettingsError(
            f"no event came since {title[:80]}", "choose an earlier time, or look again later"
        )
    earlier = _named(filters, "e_", at - length, at)
    later = _named(filters, "", at, at + length)
    return Pair(earlier, later, f"since {title}", at)


def _named(filters: Filters, prefix: str, first: datetime, end: datetime) -> Filters:
    return Filters(first, end, filters.values, filters.query, prefix)


def _back(at: datetime, by: timedelta) -> datetime:
    return at - min(by, max(at - EVER[0], timedelta()))


def _opened(view: View, incident_id: str) -> datetime:
    anomalies = view.snapshot.need(ANOMALIES.name)
    return incidents.one(view.snapshot, anomalies, incident_id).opened


def _tagged(view: View, name: str) -> datetime:
    """When the version of a name was the newest: at its commit, or after its newest event.

    Of a stream both are the same; of a history that was imported only the events say it. One
    whose clock is ahead changes nothing, as the earlier of the two counts.
    """
    at = view.lake.at(Moment(name=name))
    logs = at.table(LOGS.name)
    newest = logs.newest("timestamp") if logs else None
    return min(at.now, newest + INSTANT) if newest else at.now
