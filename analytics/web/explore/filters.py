"""The filters of Explore as a value, and as SQL in which every value is bound. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from lakehouse.errors import SettingsError
from lakehouse.terminal import times

STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)")
BOT = "CASE WHEN is_bot THEN 'yes' WHEN NOT is_bot THEN 'no' ELSE 'unknown' END"
SEARCHED = ("path", "endpoint", "user_agent", "ip", '"user"', "app")
EXACT = ("event_id", "trace_id")
ALL, NONE = "all", "(none)"
# Facets in the order of the page, and what each is of a row.
FACETS = {
    "service": "service",
    "endpoint": "endpoint",
    "status": "status_code",
    "level": f"coalesce(level, '{NONE}')",
    "bot": BOT,
}
Values = Mapping[str, object]


@dataclass(frozen=True)
class Cursor:
    """The position after which a page of rows begins, going back in time."""

    timestamp: datetime
    partition: int
    offset: int

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Parse a cursor from a link; SettingsError where it is none."""
        try:
            micros, partition, offset = (int(part) for part in text.split("."))
            at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
        except (ValueError, OverflowError):
            raise SettingsError(
                "before: this link is cut off", "go back to the first page"
            ) from None
        return cls(at, partition, offset)

    def __str__(self) -> str:
        micros = (self.timestamp - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
        return f"{micros}.{self.partition}.{self.offset}"


@dataclass(frozen=True)
class Filters:
    """Rows from `first` up to `end` with one of the `values` of each facet and with `text`."""

    first: datetime
    end: datetime
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    text: str = ""

    def within(self, first: datetime, end: datetime) -> Filters:
        """The same filters within a shorter time."""
        return replace(self, first=max(first, self.first), end=min(end, self.end))

    def conditions(self) -> dict[str, str]:
        """The conditions on the facets that have a value."""
        return {name: CONDITIONS[name] for name in FACETS if self.values.get(name)}

    @property
    def time_and_text(self) -> str:
        """The condition on time and text, which counts for every facet."""
        time = "date BETWEEN $first_day AND $last_day AND timestamp >= $first AND timestamp < $end"
        within = [f"contains(lower({column}), $text)" for column in SEARCHED]
        same = [f"{column} = $text_as_is" for column in EXACT]
        return f"{time} AND ({' OR '.join([*within, *same])})" if self.text else time

    def bound(self) -> Values:
        """The values to bind to the conditions."""
        days = {"first_day": self.first.date(), "last_day": self.end.date()}
        text = {"text": self.text.lower(), "text_as_is": self.text} if self.text else {}
        facets: dict[str, object] = {}
        for name in self.conditions():
            facets |= BOUND[name](self.values[name])
        return {"first": self.first, "end": self.end, **days, **text, **facets}


def _as_is(name: str) -> Callable[[Sequence[str]], Values]:
    return lambda values: {name: [*values]}


def _statuses(values: Iterable[str]) -> Values:
    """Split statuses into codes and classes; SettingsError where one is neither."""
    found = [(value, STATUS.fullmatch(value.lower())) for value in values]
    wrong = next((value for value, read in found if not read), None)
    if wrong is not None:
        raise SettingsError(f"status: {wrong[:40]!r} is none", "write a code, 404, or a class, 5xx")
    return {
        "classes": [int(read[1]) for _, read in found if read and read[1]],
        "codes": [int(read[2]) for _, read in found if read and read[2]],
    }


CONDITIONS = {
    "service": "list_contains($service, service)",
    "endpoint": "list_contains($endpoint, endpoint)",
    "status": "(list_contains($codes::INT[], status_code) "
    "OR list_contains($classes::INT[], status_code // 100))",
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
    """The time range: `from` and `to` where given, else the length `last`.

    It counts back from the newest event, so that a stream that stopped still shows its end.
    """
    end = min(newest + timedelta(seconds=1), now).replace(microsecond=0)
    end = times.time(until, now, "to") if until else max(end, newest.replace(microsecond=0))
    if since:
        first = times.time(since, now, "from")
    elif last == ALL:
        first = oldest.replace(microsecond=0)
    else:
        first = end - times.length(last, "last")
    if first >= end:
        raise SettingsError("from is not before to", "choose a time range that has a length")
    return first, end
