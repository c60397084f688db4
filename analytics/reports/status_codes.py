"""Status codes: how many, their share, where."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="status-codes",
    title="Status codes: how many, their share, where",
    table="logs",
    sql="""
SELECT status_code, COUNT(*) AS requests,
    ROUND(CAST(COUNT(*) AS DOUBLE) / CAST(SUM(COUNT(*)) OVER () AS DOUBLE), 6) AS share,
    COUNT(DISTINCT service) AS services, COUNT(DISTINCT endpoint) AS endpoints,
    COUNT(DISTINCT ip) AS addresses
FROM logs
WHERE {recent}
GROUP BY status_code
ORDER BY requests DESC, status_code
""",
)
