"""Half hours in which an endpoint got far more requests than it usually gets."""

from __future__ import annotations

from analytics.reports.report import Report

# Far: three robust deviations (of the median, at least its square root), and half as many again.
REPORT = Report(
    name="windows",
    title="Half hours in which an endpoint got far more requests than it usually gets",
    table="traffic",
    sql="""
WITH medians AS (
    SELECT service, endpoint, MEDIAN(requests) AS usual, COUNT(*) AS windows
    FROM traffic WHERE granularity = '30m' GROUP BY service, endpoint),
spreads AS (
    SELECT t.service, t.endpoint, MAX(m.usual) AS usual,
        GREATEST(1.4826 * MEDIAN(ABS(t.requests - m.usual)), SQRT(MAX(m.usual)), 1.0) AS spread
    FROM traffic AS t JOIN medians AS m ON m.service = t.service AND m.endpoint = t.endpoint
    WHERE t.granularity = '30m' AND m.windows >= 4 GROUP BY t.service, t.endpoint)
SELECT w.window_start, w.service, w.endpoint, w.requests, s.usual,
    ROUND(w.requests / NULLIF(s.usual, 0), 2) AS times_usual, w.is_final
FROM traffic AS w JOIN spreads AS s ON s.service = w.service AND s.endpoint = w.endpoint
WHERE w.granularity = '30m' AND w.requests > s.usual + 3 * s.spread
    AND w.requests > 1.5 * s.usual AND {recent}
ORDER BY times_usual DESC NULLS LAST, w.window_start, w.service, w.endpoint
LIMIT {limit}
""",
)
