"""Endpoints by requests, with errors, latency and bytes."""

from __future__ import annotations

from analytics.reports.report import Report, traffic_by

REPORT = Report(
    name="endpoints",
    title="Endpoints by requests, with errors, latency and bytes",
    table="traffic",
    sql=traffic_by(
        keys="service, endpoint",
        order="requests DESC, service, endpoint LIMIT {limit}",
    ),
)
