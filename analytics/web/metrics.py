"""Endpoints for monitoring: /healthz, /readyz, /metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from analytics.look.status import Backlog, QueryStatus, status
from analytics.web.lake.lake import Lake
from analytics.web.lake.monitor import LagMonitor
from analytics.web.lake.table_state import TableState
from analytics.web.pipeline.batches import batches
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.tables.catalog import ANOMALIES, LOGS, TABLES
from lakehouse.tables.incidents import SEVERITIES

router = APIRouter(include_in_schema=False)
# Incidents of more services than these are counted together, as those of `(other)`.
SERVICES_MOST, SERVICE_LETTERS, OTHER = 50, 80, "(other)"
OPEN_INCIDENTS = f"""
    SELECT severity, left(service, {SERVICE_LETTERS}) AS service, count(*) AS incidents
    FROM anomalies
    WHERE status = 'open' AND incident_id NOT IN (SELECT unnest(?::VARCHAR[]))
    GROUP BY ALL ORDER BY incidents DESC, service, severity"""


FIRING_RULES = """
    SELECT rule, severity, count(*) FILTER (
        status = 'open' AND incident_id NOT IN (SELECT unnest(?::VARCHAR[]))) AS firing
    FROM anomalies WHERE rule <> '' AND (status = 'open' OR last_breach >= ?)
    GROUP BY ALL ORDER BY firing DESC, rule, severity LIMIT 1000"""


# A thread of its own: those that answer pages may all be at work.
READY = CapacityLimiter(1)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Whether the server answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(request: Request) -> PlainTextResponse:
    """Whether there is a lake to show."""
    lake: Lake = request.app.state.lake
    if await to_thread.run_sync(lake.newest, LOGS.name, limiter=READY) is None:
        return PlainTextResponse(f"no table {LOGS.name} in {lake.places.lake} yet\n", 503)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Gauges of tables, incidents and queries, and of this process, for Prometheus."""
    registry = CollectorRegistry()
    lake: Lake = request.app.state.lake
    monitor: LagMonitor | None = request.app.state.lag
    registry.register(_Tables(lake))
    if monitor and lake.newest(LOGS.name):
        registry.register(_Queries(lake.places, monitor.connection, monitor.backlog()))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Tables:
    """Gauges of the tables and open incidents."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields one gauge a figure, with a sample for each table; then events and incidents."""
        states = {name: state for name in TABLES if (state := self._lake.newest(name))}
        for name, doc, of in GAUGES:
            gauge = GaugeMetricFamily(f"logpond_{name}", doc, labels=["table"])
            for table, state in states.items():
                if (value := of(state)) is not None:
                    gauge.add_metric([table], value)
            yield gauge
        yield _newest_event(states.get(LOGS.name))
        yield from _incidents(self._lake, states.get(ANOMALIES.name))
        yield _rules(self._lake, states.get(ANOMALIES.name))


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


def _newest_event(logs: TableState | None) -> GaugeMetricFamily:
    doc = "Time of the newest event in logs; freshness is now less this."
    gauge = GaugeMetricFamily("logpond_newest_event_timestamp_seconds", doc)
    newest = _seconds(logs.newest("timestamp")) if logs else None
    if newest is not None:
        gauge.add_metric([], newest)
    return gauge


def _incidents(lake: Lake, anomalies: TableState | None) -> Iterator[GaugeMetricFamily]:
    """Yields the open incidents that nobody has resolved: by severity, and by service too."""
    doc = "Incidents that are open."
    whole = GaugeMetricFamily("logpond_open_incidents", doc, labels=["severity"])
    labels = ["severity", "service"]
    parts = GaugeMetricFamily("logpond_incidents_open", doc, labels=labels)
    if anomalies:
        resolved = lake.at().resolved
        found = lake.ask(OPEN_INCIDENTS, [resolved], {ANOMALIES.name: anomalies.files})
        counts = _by_service(found)
        for severity in SEVERITIES:
            of_it = (n for (level, _), n in counts.items() if level == severity)
            whole.add_metric([severity], sum(of_it))
        for names, count in counts.items():
            parts.add_metric(names, count)
    yield from (whole, parts)


def _rules(lake: Lake, anomalies: TableState | None) -> GaugeMetricFamily:
    """Returns, of each rule that told in the last 30 days, how many of its incidents are open."""
    doc = "Incidents of a rule that are open; 0 for one that told in the last 30 days."
    gauge = GaugeMetricFamily("logpond_rule_firing", doc, labels=["rule", "severity"])
    if anomalies and "rule" in anomalies.files.columns:
        since = datetime.now(UTC) - timedelta(days=30)
        bound = [lake.at().resolved, since]
        for row in lake.ask(FIRING_RULES, bound, {ANOMALIES.name: anomalies.files}):
            gauge.add_metric([row["rule"], row["severity"]], row["firing"])
    return gauge


def _by_service(found: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Returns counts by severity and service; without a service there is always one, maybe 0."""
    names = dict.fromkeys(row["service"] or "" for row in found)
    kept = {"", *[*names][:SERVICES_MOST]}
    counts = Counter({(severity, ""): 0 for severity in SEVERITIES})
    for row in found:
        name = row["service"] or ""
        severity = row["severity"] if row["severity"] in SEVERITIES else OTHER
        counts[severity, name if name in kept else OTHER] += row["incidents"]
    return counts


GAUGES = (
    ("table_rows", "Rows of a table.", lambda state: state.rows),
    ("table_files", "Files of a table.", lambda state: state.files.adds.num_rows),
    ("table_size_bytes", "Bytes of a table's files.", lambda state: state.bytes),
    ("table_version", "Newest version of a table.", lambda state: state.version),
    ("table_oldest_version", "Oldest version with all its files.", lambda state: state.oldest_kept),
    (
        "table_commit_timestamp_seconds",
        "Time of the newest commit.",
        lambda state: _seconds(state.committed),
    ),
)


LATE_SECONDS, BATCHES = 60, 5
PHASES = ("decode", "commit", "finish")
OF_QUERIES = (
    ("waiting_records", "Records or rows that a query has yet to read.", "lag_records"),
    ("waiting_seconds", "Since when the oldest of them waits.", "lag_seconds"),
    ("rows_per_second", "Rows that came in the last minute, a second of it.", "rows_per_second"),
)


@dataclass(frozen=True, eq=False)
class _Queries:
    """Gauges of the queries and batches; late rows are counted once a minute.

    Without `eq`, for a registry keeps collectors by their hash, and a backlog holds a dict.
    """

    places: Places
    connection: Connection
    backlog: Backlog

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields one gauge a figure, with a sample for each query or phase."""
        now = status(self.places, self.connection, count_late=False, known=self.backlog).queries
        for name, doc, field in OF_QUERIES:
            yield _gauge(name, doc, "query", {of.name: getattr(of, field) for of in now})
        doc = "Records of a topic that ingest has yet to read."
        lag = self.backlog.lag
        yield _gauge("waiting_topic_records", doc, "topic", dict(lag.by_topic) if lag else {})
        doc = "Rows that came after their window was closed, and are not counted in it."
        late = _late_rows(self.places, self.connection, int(time.time() / LATE_SECONDS))
        yield _gauge("late_rows", doc, "query", {of.name: of.late_rows for of in late})
        doc = f"Mean seconds of each phase of the last {BATCHES} batches of ingest."
        yield _gauge("batch_seconds", doc, "phase", _phases(self.places))


@lru_cache(maxsize=1)
def _late_rows(places: Places, connection: Connection, _minute: int) -> list[QueryStatus]:
    return status(places, connection, known=Backlog()).queries


def _phases(places: Places) -> dict[str, float | None]:
    found = batches(places, BATCHES)
    known = {phase: [getattr(one, phase) for one in found] for phase in PHASES}
    return {phase: _mean([s for s in seconds if s is not None]) for phase, seconds in known.items()}


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _gauge(
    name: str, doc: str, label: str, values: dict[str, float | int | None]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"logpond_{name}", doc, labels=[label])
    for of, value in values.items():
        if value is not None:
            gauge.add_metric([of], value)
    return gauge
