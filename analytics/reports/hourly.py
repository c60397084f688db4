"""Requests, errors and latency of each hour; worst_p95 is of one endpoint and half hour."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="hourly",
    title="Requests, errors and latency of each hour; worst_p95 is of one endpoint and half hour",
    table="traffic",
    sql="""
SELECT date_trunc('hour', window_start) AS hour, CAST(SUM(requests) AS BIGINT) AS requests,
    CAST(SUM(client_errors) AS BIGINT) AS client_errors,
    CAST(SUM(server_errors) AS BIGINT) AS server_errors,
    ROUND(CAST(SUM(client_errors) + SUM(server_errors) AS DOUBLE) / SUM(requests), 4)
        AS error_rate,
    ROUND(SUM(latency_total) / SUM(latency_total / NULLIF(latency_mean, 0)), 3) AS latency_mean,
    ROUND(MAX(latency_p95), 3) AS worst_p95,
    CAST(SUM(bytes) AS BIGINT) AS bytes
FROM traffic
WHERE granularity = '30m' AND {recent}
GROUP BY date_trunc('hour', window_start)
ORDER BY hour
""",
)
