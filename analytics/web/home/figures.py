"""The figures of Home: numbers and series of the last hours, services, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analytics.web.home.recent_events import MOST, Event, delays, events
from analytics.web.lake.incidents import opened_since
from analytics.web.lake.lake import Snapshot
from analytics.web.lake.minutes import Counted, Minutes, minutes
from analytics.web.lake.monitor import LagMonitor, LagSample
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.tables.incidents import OPEN, IncidentSummary

MINUTE, RECENT = timedelta(minutes=1), timedelta(minutes=5)
# Hours to look back, and the minutes that a point of a chart stands for.
SPANS = {1: 1, 6: 2, 24: 10}
STALE_SECONDS, OLD_SECONDS = 30, 300


@dataclass(frozen=True)
class Figure:
    """A number as it is now, and its last hours; `state` is ok, warn, bad or unknown."""

    name: str
    title: str
    unit: str
    value: float | None
    note: str
    state: str
    series: list[float | None]


@dataclass(frozen=True)
class Service:
    """The last hours of one service; `series` is its requests a second at each point."""

    name: str
    requests: int
    per_second: float
    error_rate: float | None
    server_errors: int
    p95: float | None
    series: list[float | None]


@dataclass(frozen=True)
class Home:
    """All of Home; `times` are the starts of the points [s since 1970]."""

    now: datetime
    newest_event: datetime
    version: int
    hours: int
    times: list[int]
    figures: list[Figure]
    services: list[Service]
    incidents: list[IncidentSummary]
    recent_events: list[Event]
    has_latency: bool


@dataclass(frozen=True)
class Span:
    """The time range of Home, in points of some minutes each."""

    first: datetime
    end: datetime
    point: timedelta

    @classmethod
    def of(cls, hours: int, newest: datetime, now: datetime) -> Span:
        """Returns the last hours before the newest event, so that a stopped stream is shown too."""
        point = SPANS[hours] * MINUTE
        end = _floor(min(newest, now), MINUTE)
        return cls(_floor(end - timedelta(hours=hours), point), end, point)

    @property
    def times(self) -> list[datetime]:
        """The starts of the complete points."""
        points = (self.end - self.first) // self.point
        return [self.first + number * self.point for number in range(points)]

    @property
    def key(self) -> str:
        """SQL for the start of a minute's point."""
        size = int(self.point.total_seconds())
        return f"epoch(window_start)::BIGINT // {size} * {size}"


def home(snapshot: Snapshot, monitor: LagMonitor | None, hours: int) -> Home:
    """Returns Home. Raises TableError for a lake that has no rows."""
    logs = snapshot.need(LOGS.name)
    _, newest = snapshot.event_times()
    span = Span.of(hours, newest, snapshot.now)
    recent_from = span.end - RECENT
    with minutes(snapshot, min(span.first, recent_from), span.end) as found:
        points = {point.key: point for point in found.by(span.key, _since(span.first))}
        recent = next(iter(found.by("1", _since(recent_from))), None)
        services = _services(found, span)
    times = [int(at.timestamp()) for at in span.times]
    series = [points.get(at) for at in times]
    anomalies = snapshot.table(ANOMALIES.name)
    incidents = opened_since(snapshot, anomalies, span.first) if anomalies else []
    sample = monitor.newest() if monitor and snapshot.is_live else None
    figures = [
        *_traffic(recent, series, span.point),
        _open_incidents(incidents, span.times),
        _freshness(snapshot, newest, span, sample),
        _lag(monitor, sample, span, is_live=snapshot.is_live),
    ]
    return Home(
        snapshot.now,
        newest,
        logs.version,
        hours,
        times,
        figures,
        services,
        incidents[:MOST],
        events(snapshot, span.first, incidents),
        any(service.p95 is not None for service in services),
    )


def _since(first: datetime) -> str:
    return f"window_start >= TIMESTAMPTZ '{first:%Y-%m-%d %H:%M:%S}+00'"


def _traffic(
    recent: Counted | None, series: Sequence[Counted | None], point: timedelta
) -> list[Figure]:
    seconds, now = point.total_seconds(), recent or Counted(1, 0, 0, 0, None)
    total = sum(one.requests for one in series if one)
    errors, server = now.error_rate, now.server_errors / max(now.requests, 1)

    def each(of: Callable[[Counted], float | None], gap: float | None = None) -> list[Any]:
        return [of(one) if one else gap for one in series]

    return [
        Figure(
            "rate",
            "Events a second",
            "/s",
            now.requests / RECENT.total_seconds(),
            f"{total:,} in this time",
            "ok",
            each(lambda one: one.requests / seconds, 0.0),
        ),
        Figure(
            "errors",
            "Error rate",
            "%",
            errors,
            f"{server * 100:.3g} % by services",
            "ok",
            each(lambda one: one.error_rate),
        ),
        Figure(
            "latency",
            "Latency, p95",
            "ms",
            now.p95,
            "95 % were faster",
            "ok",
            each(lambda one: one.p95),
        ),
    ]


def _open_incidents(incidents: Sequence[IncidentSummary], times: Sequence[datetime]) -> Figure:
    is_open = [one for one in incidents if one.status == OPEN]
    worst = next((s for s in ("critical", "warning") if any(o.severity == s for o in is_open)), "")
    series: list[float | None] = [
        float(sum(o.opened <= at and (o.closed is None or at < o.closed) for o in incidents))
        for at in times
    ]
    note = f"the worst is {worst}" if worst else f"{len(incidents)} in this time"
    state = {"critical": "bad", "warning": "warn"}.get(worst, "ok")
    return Figure("incidents", "Open incidents", "", len(is_open), note, state, series)


def _freshness(
    snapshot: Snapshot, newest: datetime, span: Span, sample: LagSample | None
) -> Figure:
    age = max(0.0, (snapshot.now - newest).total_seconds())
    state = "ok" if age < STALE_SECONDS else "warn" if age < OLD_SECONDS else "bad"
    note = f"newest event {newest:%H:%M:%S} UTC"
    if sample and sample.is_running is False:
        note = "ingest does not run: `logpond up`"
    return Figure(
        "freshness",
        "Freshness",
        "s",
        age,
        note,
        state,
        delays(snapshot, span.first, span.point, span.times),
    )


def _lag(monitor: LagMonitor | None, sample: LagSample | None, span: Span, is_live: bool) -> Figure:
    waiting = sample.waiting if sample else None
    most: dict[datetime, float] = {}
    for one in list(monitor.samples) if monitor and is_live else []:
        if one.waiting is not None:
            at = _floor(one.at, span.point)
            most[at] = max(most.get(at, 0), one.waiting)
    note = "records that wait in Kafka" if waiting is not None else "Kafka does not tell"
    note = note if is_live else "not known of the past"
    state = "unknown" if waiting is None else "ok"
    return Figure("lag", "Lag", "", waiting, note, state, [most.get(at) for at in span.times])


def _services(found: Minutes, span: Span) -> list[Service]:
    since = _since(span.first)
    seconds, at = span.point.total_seconds(), [int(time.timestamp()) for time in span.times]
    spread: dict[str, dict[int, int]] = {}
    for one in found.counts(f"service, {span.key}", since):
        spread.setdefault(one[0], {})[one[1]] = one[2]
    length = (span.end - span.first).total_seconds()
    return sorted(
        (
            Service(
                name=one.key,
                requests=one.requests,
                per_second=one.requests / length,
                error_rate=one.error_rate,
                server_errors=one.server_errors,
                p95=one.p95,
                series=[spread[one.key].get(time, 0) / seconds for time in at],
            )
            for one in found.by("service", since)
        ),
        key=lambda service: -service.requests,
    )


def _floor(at: datetime, to: timedelta) -> datetime:
    size = int(to.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // size * size, at.tzinfo)
