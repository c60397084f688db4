"""The page of a result: its figures as PNG, and one HTML file that holds all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.jobs.pictures import Look, page_template, pictures
from batch.jobs.service_metrics import figures
from batch.jobs.service_metrics.job import table_rows
from batch.jobs.service_metrics.score import LEAST_HISTORY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
WORST = 25
METRICS = "SELECT * FROM metrics ORDER BY requests DESC, service, environment"
ANOMALIES = "SELECT *, errors / requests AS error_rate FROM anomalies ORDER BY z DESC, minute"
REJECTS = """
SELECT reason, count(*) AS lines, min({'source': source, 'line': line}) AS first
FROM rejects GROUP BY reason ORDER BY lines DESC, reason
"""
HOURS = """
WITH by_hour AS (
    SELECT service, environment, CAST(hour(minute) AS INTEGER) AS hour, sum(requests) AS requests,
        sum(timed) AS timed, CAST(sum(total_us) AS DOUBLE) AS total_us
    FROM minutes GROUP BY ALL
), compared AS (
    SELECT *, sum(requests) OVER own AS requests_in_all,
        sum(total_us) OVER own / nullif(sum(timed) OVER own, 0) / 1000 AS usual_ms
    FROM by_hour WINDOW own AS (PARTITION BY service, environment)
)
SELECT service, environment, hour, total_us / nullif(timed, 0) / 1000 AS mean_ms, usual_ms
FROM compared ORDER BY requests_in_all DESC, service, environment, hour
"""
CAPTIONS = {
    "services": "How fast services answer, and how often they fail",
    "spikes": "When they were too slow",
    "hours": "How fast they are by hour",
}


def draw(folder: Path) -> None:
    """Write `insights/` beside the tables of a result: PNG files, light and dark, and the page."""
    out = folder / "insights"
    out.mkdir()
    metrics, anomalies = (table_rows(folder, sql) for sql in (METRICS, ANOMALIES))
    span = (min(m["first_minute"] for m in metrics), max(m["last_minute"] for m in metrics))
    hours = table_rows(folder, HOURS)
    drawn: dict[str, Callable[[Look], Figure]] = {
        "services": lambda look: figures.services(metrics, look),
        "spikes": lambda look: figures.spikes(anomalies, span, look),
        "hours": lambda look: figures.hours(hours, look),
    }
    by_name = {name: pictures(out, name, of) for name, of in drawn.items()}
    rejects = table_rows(folder, REJECTS)
    (out / "index.html").write_text(_page(metrics, anomalies, rejects, span, by_name))


def _page(metrics: Any, anomalies: Any, rejects: Any, span: Any, pictures: Any) -> str:
    events = sum(one["requests"] for one in metrics)
    return page_template(HERE).render(
        metrics=metrics,
        anomalies=anomalies,
        worst=anomalies[:WORST],
        rejects=rejects,
        span=span,
        pictures=pictures,
        captions=CAPTIONS,
        events=events,
        least=LEAST_HISTORY,
        errors=sum(one["errors"] for one in metrics) / events,
        rejected=sum(one["lines"] for one in rejects),
    )
