"""Addresses by requests: errors, how many endpoints, which client."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="addresses",
    title="Addresses by requests: errors, how many endpoints, which client",
    table="logs",
    sql="""
SELECT ip, COUNT(*) AS requests, CAST(SUM(CAST(is_error AS INT)) AS BIGINT) AS errors,
    ROUND(AVG(CAST(is_error AS INT)), 4) AS error_rate,
    COUNT(DISTINCT endpoint) AS endpoints, MAX(client_family) AS client,
    COALESCE(BOOL_OR(is_bot), false) AS is_bot,
    MIN(timestamp) AS first_seen, MAX(timestamp) AS last_seen
FROM logs
WHERE {recent}
GROUP BY ip
ORDER BY requests DESC, ip
LIMIT {limit}
""",
)
