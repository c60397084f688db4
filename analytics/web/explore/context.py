"""The context of a row: what the same user, address, host or service did before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.web.explore.figures import files
from analytics.web.explore.filters import Filters
from analytics.web.explore.parameters import INSTANT, Parameters, around
from analytics.web.explore.rows import BRIEF, Row, in_order
from analytics.web.lake.lake import Snapshot
from lakehouse.errors import SettingsError, TableError
from lakehouse.query import search
from lakehouse.tables.catalog import LOGS

MOST = 300
WITHIN = {"10s": "10 s", "1m": "1 min", "5m": "5 min", "15m": "15 min"}
EVERYTHING = "everything"
# What rows around a row have in common with it, in a person's words.
SAME = {
    "user": "same user",
    "ip": "same address",
    "host": "same host",
    "service": "same service",
    EVERYTHING: "everything",
}


@dataclass(frozen=True)
class Line:
    """A row, its offset from the one that was asked for [ms], and whether it is that one."""

    row: Row
    offset_ms: float
    is_asked: bool


@dataclass(frozen=True)
class Context:
    """Rows around a row, oldest first: the 300 nearest, where `is_cut`."""

    row: Row
    same: str
    query: str
    first: datetime
    end: datetime
    version: int
    lines: list[Line]
    is_cut: bool


def find(snapshot: Snapshot, event_id: str, at: datetime, same: str, within: str) -> Context:
    """The rows that share a field with a row, and are not further from it than `within`.

    Raises TableError where there is no such row at this moment.
    """
    first, end = around(at, within, WITHIN)
    row = _row(snapshot, event_id, at)
    query = _query(row, same)
    filters = Filters(first, end, {}, search.parse(query, at))
    asked = {"event_id": event_id, "at": row["timestamp"]}
    found = snapshot.ask(
        f"SELECT {BRIEF} FROM logs WHERE {filters.all} ORDER BY "
        "event_id = $event_id AND timestamp = $at DESC, "
        f"abs(epoch_us(timestamp) - epoch_us($at::TIMESTAMPTZ)) LIMIT {MOST + 1}",
        {**filters.bound(), **asked},
        logs=files(snapshot, filters),
    )
    lines = [_line(one, row, event_id) for one in sorted(found[:MOST], key=in_order)]
    version, is_cut = snapshot.need(LOGS.name).version, len(found) > MOST
    return Context(row, same, query, first, end, version, lines, is_cut)


def shared(row: Row) -> dict[str, str]:
    """What rows around this one can have in common with it."""
    return {name: title for name, title in SAME.items() if name == EVERYTHING or row.get(name)}


def _row(snapshot: Snapshot, event_id: str, at: datetime) -> Row:
    filters = Filters(at, at + INSTANT)
    found = snapshot.ask(
        f"SELECT {BRIEF} FROM logs WHERE {filters.all} AND event_id = $event_id LIMIT 1",
        {**filters.bound(), "event_id": event_id},
        logs=files(snapshot, filters),
    )
    if not found:
        raise TableError(
            "there is no such event at this moment",
            "go back to Explore; an event that came later is not in an earlier version",
        )
    return found[0]


def _query(row: Row, same: str) -> str:
    if same not in SAME:
        raise SettingsError(f"same: {same[:40]!r} is none", f"one of {', '.join(SAME)}")
    if same == EVERYTHING:
        return ""
    query = Parameters.term(same, row[same]) if row[same] else ""
    if not query:
        raise SettingsError(
            f"this event has no {SAME[same].removeprefix('same ')} that can be asked for",
            f"choose another of {', '.join(shared(row))}",
        )
    return query


def _line(one: Row, row: Row, event_id: str) -> Line:
    offset = (one["timestamp"] - row["timestamp"]) / timedelta(milliseconds=1)
    return Line(one, offset, not offset and one["event_id"] == event_id)
