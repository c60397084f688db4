"""The requests that took longest [ms]."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="slowest",
    title="The requests that took longest [ms]",
    table="logs",
    sql="""
SELECT l.response_time, l.timestamp, l.service, l.endpoint, l.status_code, l.method, l.path, l.ip,
    l.user, l.event_id
FROM logs AS l
WHERE l.response_time IS NOT NULL AND {recent}
ORDER BY l.response_time DESC, l.timestamp, l.event_id
LIMIT {limit}
""",
)
