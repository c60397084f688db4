"""Error rate of each endpoint by day: the daily zone of the lake, and its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analytics.reports.report import Report

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More lines than this, and none can be followed.
MOST = 8
COLORS = ("#c0392b", "#1f3a5f", "#e08e45", "#4c8c4a", "#7d5ba6", "#3aa6b9", "#8c6d46", "#6b7280")


def figure(rows: pa.Table) -> Figure:
    """Error rates by day [%], of the endpoints with the most errors."""
    from matplotlib.figure import Figure

    lines = _lines(rows.to_pylist())
    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = figure.add_subplot()
    for color, (name, points) in zip(COLORS, lines.items(), strict=False):
        days, rates = [one["day"] for one in points], [100 * one["error_rate"] for one in points]
        axes.plot(days, rates, "o-", color=color, lw=1.6, ms=4, label=name)
    _open_days(axes, rows)
    _texts(axes, f"the {len(lines)} endpoints with the most errors")
    legend = figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _lines(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Days in order by the name of the endpoint, the one with the most errors first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(_name(row), []).append(row)
    totals = {name: sum(one["errors"] for one in days) for name, days in found.items()}
    return {name: found[name] for name in sorted(found, key=lambda n: (-totals[n], n))[:MOST]}


def _name(row: dict[str, Any]) -> str:
    from lakehouse.render import escaped

    name = escaped(f"{row['service']} {row['endpoint']}")
    return name if len(name) <= 40 else f"{name[:37]}..."


def _open_days(axes: Axes, rows: pa.Table) -> None:
    """A day that is not over has few requests yet, and its rate may still change."""
    from matplotlib.dates import date2num

    days = sorted({row["day"] for row in rows.to_pylist() if not row["is_final"]})
    for number, day in enumerate(days):
        label = "not over yet" if not number else None
        at = float(date2num(day))  # type: ignore[no-untyped-call]
        axes.axvspan(at - 0.5, at + 0.5, color="#6b7280", alpha=0.15, lw=0, label=label)


def _texts(axes: Axes, of: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator: Any = AutoDateLocator(maxticks=12)  # type: ignore[no-untyped-call]
    concise: Any = ConciseDateFormatter(locator, tz="UTC")  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(concise)
    axes.set_title(f"Requests that failed by day (UTC): {of}", loc="left", fontsize=11)
    axes.set_ylabel("status of 400 or more [% of requests]")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


REPORT = Report(
    name="endpoint-daily",
    title="Requests, errors and error rate of each day and endpoint; open days are counted so far",
    table="traffic",
    sql="""
SELECT date AS day, service, endpoint, CAST(SUM(requests) AS BIGINT) AS requests,
    CAST(SUM(client_errors + server_errors) AS BIGINT) AS errors,
    ROUND(CAST(SUM(client_errors + server_errors) AS DOUBLE) / SUM(requests), 4) AS error_rate,
    BOOL_AND(is_final) AS is_final
FROM traffic
WHERE granularity = '1d' AND {recent}
GROUP BY date, service, endpoint
ORDER BY day, service, endpoint
""",
    figure=figure,
)
