"""For machines that watch: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from analytics.web.health.metrics import Flow
from analytics.web.lake.lake import Lake
from analytics.web.lake.pulse import Pulse
from analytics.web.lake.table_state import State
from lakehouse.tables.catalog import ANOMALIES, LOGS, TABLES

router = APIRouter(include_in_schema=False)
OPEN_INCIDENTS = """
    SELECT severity, count(*) AS incidents FROM anomalies WHERE status = 'open' GROUP BY severity"""
SEVERITIES = ("info", "warning", "critical")


@router.get("/healthz")
def healthz() -> PlainTextResponse:
    """Whether the server answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> PlainTextResponse:
    """Whether there is a lake to show."""
    lake: Lake = request.app.state.lake
    if lake.newest(LOGS.name) is None:
        return PlainTextResponse(f"no table {LOGS.name} in {lake.places.lake} yet\n", 503)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Tables, incidents and the flow as gauges, and this process."""
    registry = CollectorRegistry()
    lake: Lake = request.app.state.lake
    pulse: Pulse | None = request.app.state.pulse
    registry.register(_Tables(lake))
    if pulse and lake.newest(LOGS.name):
        registry.register(Flow(lake.places, pulse.bootstrap))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Tables:
    """The gauges of a lake, read as they are asked for."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each gauge with a sample a table, and the open incidents."""
        states = {name: state for name in TABLES if (state := self._lake.newest(name))}
        for name, doc, of in GAUGES:
            gauge = GaugeMetricFamily(f"logpond_{name}", doc, labels=["table"])
            for table, state in states.items():
                if (value := of(state)) is not None:
                    gauge.add_metric([table], value)
            yield gauge
        yield _newest_event(states.get(LOGS.name))
        yield _incidents(self._lake, states.get(ANOMALIES.name))


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


def _newest_event(logs: State | None) -> GaugeMetricFamily:
    doc = "Time of the newest event in logs; freshness is now less this."
    gauge = GaugeMetricFamily("logpond_newest_event_timestamp_seconds", doc)
    newest = _seconds(logs.newest("timestamp")) if logs else None
    if newest is not None:
        gauge.add_metric([], newest)
    return gauge


def _incidents(lake: Lake, anomalies: State | None) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(
        "logpond_open_incidents", "Incidents that are open.", labels=["severity"]
    )
    if anomalies:
        found = lake.ask(OPEN_INCIDENTS, (), {ANOMALIES.name: anomalies.files})
        known = {row["severity"]: row["incidents"] for row in found}
        for severity in SEVERITIES:
            gauge.add_metric([severity], known.get(severity, 0))
    return gauge


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
