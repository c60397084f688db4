"""Services by requests, with errors, latency and bytes."""

from __future__ import annotations

from analytics.reports.report import Report, traffic_by

REPORT = Report(
    name="services",
    title="Services by requests, with errors, latency and bytes",
    table="traffic",
    sql=traffic_by(
        keys="service",
        order="requests DESC, service",
    ),
)
