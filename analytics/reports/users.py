"""Users and their apps by requests, with errors, bytes and time [ms]."""

from __future__ import annotations

from analytics.reports.report import Report

REPORT = Report(
    name="users",
    title="Users and their apps by requests, with errors, bytes and time [ms]",
    table="usage",
    sql="""
SELECT u.user, u.app, CAST(SUM(u.requests) AS BIGINT) AS requests,
    CAST(SUM(u.errors) AS BIGINT) AS errors, CAST(SUM(u.bytes) AS BIGINT) AS bytes,
    ROUND(SUM(u.total_response_time), 3) AS total_response_time
FROM usage AS u
WHERE granularity = '30m' AND {recent}
GROUP BY u.user, u.app
ORDER BY requests DESC, u.user NULLS LAST, u.app NULLS LAST
LIMIT {limit}
""",
)
