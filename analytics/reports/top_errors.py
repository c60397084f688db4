"""Errors by endpoint and status: how many, who saw them, when last."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="top-errors",
    title="Errors by endpoint and status: how many, who saw them, when last",
    table="logs",
    sql="""
SELECT service, endpoint, status_code, COUNT(*) AS errors, COUNT(DISTINCT ip) AS addresses,
    MIN(timestamp) AS first_seen, MAX(timestamp) AS last_seen
FROM logs
WHERE is_error AND {recent}
GROUP BY service, endpoint, status_code
ORDER BY errors DESC, service, endpoint, status_code
LIMIT {limit}
""",
)
