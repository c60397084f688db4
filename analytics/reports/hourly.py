"""Requests, errors and latency of each hour; worst_p95 is of one endpoint and half hour."""

from __future__ import annotations

from analytics.reports.report import Report, traffic_by

REPORT = Report(
    name="hourly",
    title="Requests, errors and latency of each hour; worst_p95 is of one endpoint and half hour",
    table="traffic",
    sql=traffic_by(
        keys="date_trunc('hour', window_start) AS hour",
        order="hour",
    ),
)
