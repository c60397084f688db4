"""Incidents that detection found, the newest first."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="anomalies",
    title="Incidents that detection found, the newest first",
    table="anomalies",
    sql="""
SELECT opened, closed, status, severity, measure, direction, service, endpoint, observed, expected,
    sentence, incident_id
FROM anomalies
WHERE {recent}
ORDER BY opened DESC, incident_id
LIMIT {limit}
""",
)
