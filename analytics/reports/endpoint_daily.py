"""Error rate of each endpoint by day: the daily zone of the lake, and its figure."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from analytics.reports.report import Report

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More lines than this, and none can be followed.
MOST = 8
TICKS = 12
RATE = "error_rate"
MEASURES = {RATE: "status of 400 or more [%]", "errors": "errors", "requests": "requests"}
LONGEST = 44
Name = tuple[str, str]
COLORS = ("#c0392b", "#1f3a5f", "#e08e45", "#4c8c4a", "#7d5ba6", "#3aa6b9", "#8c6d46", "#6b7280")


def figure(rows: pa.Table) -> Figure:
    """Draws error rate [%], errors and requests by day, for the endpoints with the most errors."""
    from matplotlib.figure import Figure

    found = rows.to_pylist()
    days, open_days = _days(found), _days([row for row in found if not row["is_final"]])
    names = _names(found)
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    panels = figure.subplots(len(MEASURES), sharex=True, height_ratios=(3, 2, 2))
    for axes, (measure, label) in zip(panels, MEASURES.items(), strict=True):
        by_day = _by_day(found, measure)
        for place, name in enumerate(names):
            _line(axes, place, name, by_day[name], days)
        _open_days(axes, open_days)
        _label_axes(axes, label)
    _label_days(panels[-1], days)
    title = f"Requests that failed, by day: the {len(names)} endpoints with the most errors"
    panels[0].set_title(title, loc="left", fontsize=11)
    handles, labels = panels[0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _names(rows: list[dict[str, Any]]) -> list[Name]:
    """Returns the endpoints with the most errors, in this order."""
    errors: Counter[Name] = Counter()
    for row in rows:
        errors[row["service"], row["endpoint"]] += row["errors"]
    return sorted(errors, key=lambda name: (-errors[name], name))[:MOST]


def _by_day(rows: list[dict[str, Any]], measure: str) -> dict[Name, dict[date, float]]:
    """Returns a measure of each endpoint by day; rates in percent."""
    found: dict[Name, dict[date, float]] = {}
    for row in rows:
        value = 100 * row[measure] if measure == RATE else row[measure]
        found.setdefault((row["service"], row["endpoint"]), {})[row["day"]] = value
    return found


def _days(rows: list[dict[str, Any]]) -> list[date]:
    return sorted({row["day"] for row in rows})


def _line(axes: Axes, place: int, name: Name, by_day: dict[date, float], days: list[date]) -> None:
    """Draws a line with gaps for days without requests; thinner lines lie on wider ones."""
    wide = 1.2 + 0.4 * (MOST - 1 - place)
    at = [by_day.get(day, math.nan) for day in days]
    axes.plot(
        [*map(_x, days)], at, "o-", color=COLORS[place], lw=wide, ms=2 + wide, label=_label(*name)
    )


def _label(service: str, endpoint: str) -> str:
    from lakehouse.terminal.render import escaped

    name = escaped(f"{service} {endpoint}")
    return name if len(name) <= LONGEST else f"{name[:19]}...{name[22 - LONGEST :]}"


def _open_days(axes: Axes, days: list[date]) -> None:
    """Marks days that are not over: they have few requests yet, and their rate may change."""
    for number, day in enumerate(days):
        label = "not over yet" if not number else None
        axes.axvspan(_x(day) - 0.5, _x(day) + 0.5, color="#6b7280", alpha=0.15, lw=0, label=label)


def _x(day: date) -> float:
    return float(day.toordinal())


def _label_axes(axes: Axes, label: str) -> None:
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _label_days(axes: Axes, days: list[date]) -> None:
    ticks = days[:: -(-len(days) // TICKS)]
    axes.set_xticks([*map(_x, ticks)], [f"{day:%d %b}" for day in ticks])
    years = sorted({days[0].year, days[-1].year})
    axes.set_xlabel(f"UTC, {' to '.join(map(str, years))}")


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
