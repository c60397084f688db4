"""One incident: its minutes, sample events, and what it was computed from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analytics.web.lake.lake import Snapshot
from analytics.web.lake.minutes import Counted, minutes
from lakehouse import past
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.incidents import IncidentRow
from lakehouse.tables.rollups import MINUTES

MINUTE = timedelta(minutes=1)
BEFORE, AFTER = timedelta(minutes=60), timedelta(minutes=20)
# Numbers of an incident are of so many minutes together.
SPAN = 5
SAMPLES = 5
# The measures that closed minutes count; of others only the detector knows.
COUNTS = ("requests", "client_errors", "server_errors")
LONGEST = timedelta(hours=24)
SAMPLED = (
    "event_id",
    "timestamp",
    "service",
    "endpoint",
    "status_code",
    "ip",
    "response_time",
    "message",
    "_topic",
    "_partition",
    "_offset",
    "_commit",
)
BAND = ("observed", "expected", "lower", "upper")
LABELS = {"upper": "most", "lower": "least", "expected": "expected", "observed": "seen"}
COLORS = {"upper": "line", "lower": "line", "expected": "muted", "observed": "accent"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Band:
    """A minute as a detector judged it; 98 of 100 minutes lie from `lower` to `upper`."""

    at: datetime
    observed: float | None
    expected: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Origin:
    """The closed minutes that an incident was folded from, and the `logs` that they counted.

    `logs_version` is None if they are gone; `is_readable` says whether that version can still be
    read. `before` is a time at which the lake had no row of the incident yet.
    """

    folded_to: datetime | None
    logs_version: int | None
    is_readable: bool
    before: datetime
    config: str | None


def span(incident: IncidentRow) -> tuple[datetime, datetime]:
    """Returns the time from an hour before an incident to a while after it, in whole minutes."""
    first = incident.opened.replace(second=0, microsecond=0) - BEFORE
    last = incident.closed or incident.last_breach
    return first, min(last + AFTER, first + LONGEST) + MINUTE


def series(snapshot: Snapshot, incident: IncidentRow) -> list[tuple[datetime, float | None]]:
    """Returns the measure of an incident by minute, as far as its minutes are kept."""
    first, end = span(incident)
    if incident.ip:
        return [*_of_address(snapshot, incident.ip, first, end)]
    with minutes(snapshot, first, end) as found:
        for column, value in (("service", incident.service), ("endpoint", incident.endpoint)):
            if value:
                found.keep(column, value)
        counted = found.by("window_start")
    return [*_rolled(counted, incident.measure)]


def band(explained: Mapping[str, Any]) -> list[Band]:
    """Returns the minutes in an answer of `logpond explain`."""
    points = explained.get("series", [])
    return [
        Band(datetime.fromisoformat(one["at"]), *(one[name] for name in BAND)) for one in points
    ]


def chart(
    incident: IncidentRow, seen: Sequence[tuple[datetime, float | None]], expected: Sequence[Band]
) -> dict[str, Any]:
    """Returns the series, the band and the mark of the incident, as charts.js needs them."""
    first, end = span(incident)
    until = (incident.closed or incident.last_breach) + MINUTE
    mark = {"from": _seconds(incident.opened), "to": _seconds(until)}
    points = [one for one in expected if first <= one.at < end]
    if not points:
        line = {"label": "seen", "values": [value for _, value in seen]}
        return {"x": [_seconds(at) for at, _ in seen], "series": [line], "marks": [mark]}
    series = [
        {"label": label, "values": [getattr(one, name) for one in points], "color": COLORS[name]}
        for name, label in LABELS.items()
    ]
    return {
        "x": [_seconds(one.at) for one in points],
        "series": series,
        "band": [1, 2],
        "marks": [mark],
    }


def samples(snapshot: Snapshot, incident: IncidentRow) -> list[Row]:
    """Returns the sample events of an incident that `logs` still has, each once."""
    ids, logs = incident.sample_event_ids[:SAMPLES], snapshot.need(LOGS.name)
    if not ids:
        return []
    first, end = incident.opened - MINUTE * SPAN, incident.last_breach + MINUTE * SPAN
    return snapshot.ask(
        f"SELECT {', '.join(c for c in SAMPLED if c in logs.files.columns)} FROM logs "
        "WHERE event_id IN (SELECT unnest(?::VARCHAR[])) "
        "QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY timestamp) = 1 "
        "ORDER BY timestamp",
        [ids],
        logs=logs.between("timestamp", first, end),
    )


def origin(snapshot: Snapshot, incident: IncidentRow) -> Origin:
    """Returns the closed minutes and the version of `logs` that an incident was computed from."""
    logs, closed, to = snapshot.need(LOGS.name), snapshot.table(MINUTES.name), incident.folded_to
    version = None
    if closed and to:
        (found,) = snapshot.ask(
            "SELECT max(logs_version) AS version FROM minutes WHERE window_start = ?",
            [to],
            minutes=closed.between("window_start", to, to + MINUTE),
        )
        version = found["version"]
    kept = past.oldest(snapshot.lake.places, LOGS.name, logs.oldest_kept)
    readable = version is not None and kept <= version <= logs.version
    return Origin(to, version, readable, _before(snapshot, incident), incident.config)


def _before(snapshot: Snapshot, incident: IncidentRow) -> datetime:
    """Returns when the first row of its first minute was decoded, just before its commit."""
    opened = incident.opened
    (found,) = snapshot.ask(
        "SELECT min(_ingested_at) AS came FROM logs WHERE timestamp >= ? AND timestamp < ?",
        [opened, opened + MINUTE],
        logs=snapshot.need(LOGS.name).between("timestamp", opened, opened + MINUTE),
    )
    came: datetime | None = found["came"]
    return came or opened - MINUTE


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _of_address(
    snapshot: Snapshot, ip: str, first: datetime, end: datetime
) -> Iterator[tuple[datetime, float | None]]:
    found = snapshot.ask(
        "SELECT date_trunc('minute', timestamp) AS minute, count(*) AS requests FROM logs "
        "WHERE ip = ? AND timestamp >= ? AND timestamp < ? GROUP BY minute",
        [ip, first, end],
        logs=snapshot.need(LOGS.name).between("timestamp", first, end),
    )
    known = {row["minute"]: row["requests"] for row in found}
    newest = snapshot.need(LOGS.name).newest("timestamp") or end
    for number in range(int((min(end, newest) - first) / MINUTE) + 1):
        at = first + number * MINUTE
        yield at, float(known.get(at, 0))


def _rolled(counted: Sequence[Counted], measure: str) -> Iterator[tuple[datetime, float | None]]:
    """Yields sums of five minutes (a minute without a row counts 0); latency by single minutes."""
    if not counted:
        return
    known = {one.key: one for one in counted}
    at = counted[0].key
    while at <= counted[-1].key:
        recent = [known[t] for n in range(SPAN) if (t := at - n * MINUTE) in known]
        yield at, _value(recent, measure, known.get(at))
        at += MINUTE


def _value(recent: Sequence[Counted], measure: str, now: Counted | None) -> float | None:
    if measure == "latency":
        return now.p95 if now else None
    name = "requests" if measure == "traffic" else measure
    if name not in COUNTS:
        return None
    return float(sum(getattr(one, name) for one in recent))
