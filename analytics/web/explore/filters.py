"""The filters of Explore, and their SQL, in which every value is bound. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.query import search
from lakehouse.query.search.edit import LONGEST_TERM
from lakehouse.query.search.fields import Field
from lakehouse.query.search.tree import EVERY
from lakehouse.terminal import times

STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)")
BOT = "CASE WHEN is_bot THEN 'yes' WHEN NOT is_bot THEN 'no' ELSE 'unknown' END"
ALL, NONE = "all", "(none)"
# Facets in the order of the page, and what each is of a row.
FACETS = {
    "service": "service",
    "endpoint": f"coalesce(endpoint, '{NONE}')",
    "status": f"coalesce(status_code::VARCHAR, '{NONE}')",
    "level": f"coalesce(level, '{NONE}')",
    "bot": BOT,
}
Values = Mapping[str, object]
OLDEST = datetime.min.replace(tzinfo=UTC)
# What bound values of the query are named by; longer values of a field are shown in part.
QUERY, LONGEST_VALUE = "asked", LONGEST_TERM


@dataclass(frozen=True)
class Cursor:
    """The position after which a page of rows begins, going back in time."""

    timestamp: datetime
    partition: int
    offset: int
    item: int = -1

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Cursor:
        """The position of a row of `logs`."""
        item = row["_item"]
        at = (row["timestamp"], row["_partition"], row["_offset"])
        return cls(*at, -1 if item is None else item)

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Parse a cursor from a link; SettingsError where it is none."""
        try:
            micros, *position = (int(part) for part in text.split("."))
            at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
            return cls(at, *position)
        except (ValueError, OverflowError, TypeError):
            raise SettingsError(
                "before: this link is cut off", "go back to the first page"
            ) from None

    def bound(self) -> Values:
        """The values to bind, by their names."""
        position = {"partition": self.partition, "offset": self.offset, "item": self.item}
        return {"at": self.timestamp, **position}

    def __str__(self) -> str:
        micros = (self.timestamp - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
        return f"{micros}.{self.partition}.{self.offset}.{self.item}"


@dataclass(frozen=True)
class Filters:
    """Rows from `first` up to `end` with one of the `values` of each facet, that fit `query`.

    In a question about two times those of one have a `prefix` in its SQL.
    """

    first: datetime
    end: datetime
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    query: search.Node = EVERY
    prefix: str = ""

    def within(self, first: datetime, end: datetime) -> Filters:
        """Returns the same filters with a shorter time range."""
        return replace(self, first=max(first, self.first), end=min(end, self.end))

    def conditions(self) -> dict[str, str]:
        """The conditions on the facets that have a value."""
        return {name: CONDITIONS[name] for name in FACETS if self.values.get(name)}

    @property
    def time_and_query(self) -> str:
        """The condition on time and query, which counts for every facet."""
        at = f"${self.prefix}"
        days = f"date BETWEEN {at}first_day AND {at}last_day"
        time = f"{days} AND timestamp >= {at}first AND timestamp < {at}end"
        return f"{time} AND {search.condition(self.query, search.bound(QUERY)[0])}"

    @property
    def all(self) -> str:
        """The condition on time, query and every facet that has a value."""
        return " AND ".join([self.time_and_query, *self.conditions().values()])

    def bound(self) -> Values:
        """The values to bind to the conditions."""
        at: dict[str, object] = {"first": self.first, "end": self.end}
        at |= {"first_day": self.first.date(), "last_day": self.end.date()}
        dialect, asked = search.bound(QUERY)
        search.condition(self.query, dialect)
        facets: dict[str, object] = {}
        for name in self.conditions():
            facets |= BOUND[name](self.values[name])
        return {**{self.prefix + name: one for name, one in at.items()}, **asked, **facets}


def _as_is(name: str) -> Callable[[Sequence[str]], Values]:
    return lambda values: {name: [*values]}


def text_of(field: Field, key: str) -> tuple[str, Values]:
    """The value of a field as SQL, and what to bind: names begin so.

    Of one that is longer than a term may be there is enough to be longer too.
    """
    dialect, given = search.bound(key)
    return f"left({search.text(field, dialect)}, {LONGEST_VALUE + 1})", given


def _statuses(values: Sequence[str]) -> Values:
    """Split statuses into codes and classes; SettingsError where one is neither."""
    found = [(value, STATUS.fullmatch(value.lower())) for value in values if value != NONE]
    wrong = next((value for value, read in found if not read), None)
    if wrong is not None:
        raise SettingsError(f"status: {wrong[:40]!r} is none", "write a code, 404, or a class, 5xx")
    return {
        "no_status": NONE in values,
        "classes": [int(read[1]) for _, read in found if read and read[1]],
        "codes": [int(read[2]) for _, read in found if read and read[2]],
    }


CONDITIONS = {
    "service": "list_contains($service, service)",
    "endpoint": f"list_contains($endpoint, coalesce(endpoint, '{NONE}'))",
    "status": "(list_contains($codes::INT[], status_code) "
    "OR list_contains($classes::INT[], status_code // 100) "
    "OR ($no_status AND status_code IS NULL))",
    "level": f"list_contains($level, coalesce(level, '{NONE}'))",
    "bot": f"list_contains($bot, {BOT})",
}
BOUND: Mapping[str, Callable[[Sequence[str]], Values]] = {
    "status": _statuses,
    **{name: _as_is(name) for name in ("service", "endpoint", "level", "bot")},
}


def span(
    last: str, since: str, until: str, oldest: datetime, newest: datetime, now: datetime
) -> tuple[datetime, datetime]:
    """Returns the time range: `from` and `to` where given, otherwise the length `last`.

    It counts back from the newest event, so that a stopped stream still shows its end.
    """
    end = min(newest + timedelta(seconds=1), now).replace(microsecond=0)
    end = times.time(until, now, "to") if until else max(end, newest.replace(microsecond=0))
    if since:
        first = times.time(since, now, "from")
    elif last == ALL:
        first = oldest.replace(microsecond=0)
    else:
        first = end - min(times.length(last, "last"), end - OLDEST)
    if first >= end:
        raise SettingsError("from is not before to", "choose a time range that has a length")
    return first, end
