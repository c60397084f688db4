"""A trace: its events across services in order of time, with their offsets, lengths and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.web.explore.figures import files
from analytics.web.explore.filters import Filters
from analytics.web.explore.parameters import Parameters
from analytics.web.explore.rows import BRIEF, Row, oldest_first
from analytics.web.lake.lake import Snapshot
from lakehouse.errors import SettingsError
from lakehouse.query import search
from lakehouse.tables.catalog import LOGS

MOST, MOST_SERVICES, COLORS = 500, 50, 5
# How far to both sides of a time its events are looked for.
WITHIN = {"15m": "15 min", "1h": "1 h", "24h": "24 h", "7d": "7 d"}
# Bars lie on a scale of so many parts; what takes longer than this [ms] is drawn as long as this.
SCALE, LONGEST_MS = 1000.0, 7 * 86_400_000.0
END, BEGIN = "end", "begin"


@dataclass(frozen=True)
class Event:
    """An event, its offset from the first one [ms], and its bar on a scale from 0 to 1000."""

    row: Row
    offset_ms: float
    left: float
    width: float
    color: int


@dataclass(frozen=True)
class Share:
    """A service with its events and errors in the trace; `color` is one of five."""

    service: str
    events: int
    errors: int
    color: int


@dataclass(frozen=True)
class Trace:
    """The events of a trace from `first` up to `end`, at most 500; counts are of all of them.

    `length_ms` is from where its first bar begins to where the last one ends.
    """

    trace_id: str
    query: str
    first: datetime
    end: datetime
    version: int
    events: list[Event]
    services: list[Share]
    length_ms: float
    is_cut: bool

    @property
    def count(self) -> int:
        """All events of this time."""
        return sum(one.events for one in self.services)

    @property
    def errors(self) -> int:
        """Those that are errors."""
        return sum(one.errors for one in self.services)


def _asked(trace_id: str, first: datetime, end: datetime) -> tuple[str, Filters]:
    """The query of a trace, and its filters. SettingsError where no query can ask for it."""
    query = Parameters.term("trace_id", trace_id) if trace_id else ""
    if not query:
        raise SettingsError("no trace has this id", "follow the link of an event that has one")
    return query, Filters(first, end, {}, search.parse(query, first))


def find(snapshot: Snapshot, trace_id: str, first: datetime, end: datetime, timed: str) -> Trace:
    """The trace, from the files of this time; `timed` says which end of a bar its time is."""
    if timed not in (BEGIN, END):
        raise SettingsError(f"bars: {timed[:40]!r} is none", f"{BEGIN} or {END}")
    query, filters = _asked(trace_id, first, end)
    found = snapshot.ask(
        f"SELECT {BRIEF} FROM logs WHERE {filters.all} ORDER BY {oldest_first()} LIMIT {MOST + 1}",
        filters.bound(),
        logs=files(snapshot, filters),
    )
    rows, is_cut = found[:MOST], len(found) > MOST
    counts = _counted(snapshot, filters) if is_cut else _of_rows(rows)
    colors = _colors([*(row["service"] for row in rows), *counts])
    services = [Share(name, *counts[name], colors[name]) for name in counts]
    version = snapshot.need(LOGS.name).version
    events, length = _drawn(rows, colors, timed)
    return Trace(trace_id, query, first, end, version, events, services, length, is_cut)


def _counted(snapshot: Snapshot, filters: Filters) -> dict[str, tuple[int, int]]:
    found = snapshot.ask(
        "SELECT service, count(*) AS n, count(*) FILTER (is_error) AS errors FROM logs "
        f"WHERE {filters.all} GROUP BY 1 ORDER BY n DESC, service LIMIT {MOST_SERVICES}",
        filters.bound(),
        logs=files(snapshot, filters),
    )
    return {row["service"]: (row["n"], row["errors"]) for row in found}


def _of_rows(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        events, errors = counts.get(row["service"], (0, 0))
        counts[row["service"]] = events + 1, errors + bool(row["is_error"])
    return dict(sorted(counts.items(), key=lambda one: (-one[1][0], one[0])))


def _colors(services: Sequence[str]) -> dict[str, int]:
    return {name: at % COLORS for at, name in enumerate(dict.fromkeys(services))}


def _drawn(rows: Sequence[Row], colors: Mapping[str, int], timed: str) -> tuple[list[Event], float]:
    """Events with their bars, and the length of all [ms]. One without a length is an instant."""
    if not rows:
        return [], 0.0
    start = rows[0]["timestamp"]
    offsets = [(row["timestamp"] - start) / timedelta(milliseconds=1) for row in rows]
    took = [min(row["response_time"] or 0.0, LONGEST_MS) for row in rows]
    begins = [at - (ms if timed == END else 0) for at, ms in zip(offsets, took, strict=True)]
    first = min(begins)
    whole = max(at + ms for at, ms in zip(begins, took, strict=True)) - first
    scale = SCALE / (whole or 1.0)
    events = [
        Event(
            row, at, round((begin - first) * scale, 2), round(ms * scale, 2), colors[row["service"]]
        )
        for row, at, begin, ms in zip(rows, offsets, begins, took, strict=True)
    ]
    return events, whole
