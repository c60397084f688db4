"""Draws an incident: what was observed, what was expected, and when it was too far off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anomaly.addresses.fold import MEASURE
from anomaly.engine.incident import Incident
from anomaly.engine.minute import GLOBAL
from anomaly.lake.evidence import RequestMinute
from anomaly.lake.rows.folds import KINDS
from anomaly.review.explain import Explained
from anomaly.review.point import Point
from lakehouse.errors import SettingsError
from lakehouse.runtime import rights
from lakehouse.store.disk import in_words
from lakehouse.tables.incidents import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Of = TypeVar("Of")
MINUTE = timedelta(minutes=1)
SEEN, EXPECTED, TROUBLE, VAIN = "#1f3a5f", "#4c8c4a", "#c0392b", "#e08e45"
# So many times the usual, and a linear scale would press the usual flat.
FAR = 6.0
WIDE = 124
# The width of a minute's bar, in days as matplotlib counts.
DAYS = 0.9 * (MINUTE / timedelta(days=1))
NOTHING = (math.nan, math.nan, math.nan, math.nan, math.nan)
# The ticks of a decade.
NAMED = (1.0, 2.0, 5.0)


def draw(explained: Explained, file: Path) -> None:
    """Writes the chart as PNG. Raises SettingsError where there is nothing to draw or no folder."""
    figure = figure_of(explained)
    try:
        with in_words(str(file)), rights.as_user():
            figure.savefig(file, format="png", dpi=150)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}", "name another file with --png"
        ) from None


def figure_of(explained: Explained) -> Figure:
    """Returns the chart without pyplot, so that no state is kept and no screen is needed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    axes, incident = figure.add_subplot(), explained.incident
    if incident.measure in KINDS:
        _plot_requests(axes, incident, _not_empty(explained, explained.requests))
    else:
        points = [
            _scaled(incident, point) for point in _whole(_not_empty(explained, explained.series))
        ]
        _plot_series(axes, points)
        _mark_worst(axes, incident, points)
        _scale(axes, incident, points)
    _mark_times(axes, incident)
    _label(axes, incident)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def _not_empty(explained: Explained, series: list[Of]) -> list[Of]:
    if not series:
        raise SettingsError(
            f"there is nothing to draw of {explained.incident.incident_id}",
            "its minutes are not kept any more; `retain` deletes them",
        )
    return series


def _whole(series: Sequence[Point]) -> Iterator[Point]:
    """Yields the series with a gap for missing minutes, so that no line is drawn over them."""
    before = series[0].at
    for point in series:
        if point.at - before > MINUTE:
            yield Point(before + MINUTE, *NOTHING)
        yield point
        before = point.at


def _scaled(incident: Incident, point: Point) -> Point:
    """Returns errors as a part of the requests; other measures unchanged."""
    if not unit_of(incident.measure).is_share:
        return point
    by = 100 / max(point.n, 1.0)
    return Point(
        point.at,
        point.observed * by,
        point.expected * by,
        point.lower * by,
        point.upper * by,
        point.n,
    )


def _plot_series(axes: Axes, series: Sequence[Point]) -> None:
    at = [_x(point.at) for point in series]
    band = [point.lower for point in series], [point.upper for point in series]
    axes.fill_between(at, *band, color=EXPECTED, alpha=0.15, lw=0, label="98 of 100 lie here")
    expected = [point.expected for point in series]
    axes.plot(at, expected, color=EXPECTED, lw=1.2, ls="--", label="expected")
    axes.plot(at, [point.observed for point in series], color=SEEN, lw=1.6, label="seen")


def _plot_requests(axes: Axes, incident: Incident, minutes: Sequence[RequestMinute]) -> None:
    """Draws the requests and errors of each minute, or how many addresses there were."""
    at = [_x(minute.at + MINUTE / 2) for minute in minutes]
    if _is_surge(incident):
        axes.bar(at, [one.addresses for one in minutes], DAYS, color=SEEN, label="addresses")
        return
    what = unit_of(incident.measure).axis.removesuffix(" a minute")
    axes.bar(at, [one.requests for one in minutes], DAYS, color=SEEN, label=what)
    if incident.measure != MEASURE:
        return
    errors = [one.client_errors for one in minutes]
    axes.bar(at, errors, DAYS, color=VAIN, label="of them client errors")


def _mark_times(axes: Axes, incident: Incident) -> None:
    """Marks the time from opening to last breach."""
    opened, end = _x(incident.opened), _x(incident.last_breach + MINUTE)
    axes.axvspan(opened, end, color=TROUBLE, alpha=0.10, lw=0, label="incident")
    axes.axvline(opened, color=TROUBLE, lw=1.0)


def _mark_worst(axes: Axes, incident: Incident, series: Sequence[Point]) -> None:
    sign = 1 if incident.direction == "up" else -1
    during = [p for p in series if incident.opened <= p.at <= incident.last_breach]
    if during := [p for p in during if math.isfinite(p.observed)]:
        worst = max(during, key=lambda p: sign * p.observed / max(p.expected, 1e-9))
        there = [_x(worst.at)], [worst.observed]
        axes.plot(*there, "o", color=TROUBLE, ms=6, label="its worst", clip_on=False)


def _scale(axes: Axes, incident: Incident, series: Sequence[Point]) -> None:
    """Sets a logarithmic scale where values are far above the expected; others start from zero."""
    from matplotlib.ticker import LogLocator, SymmetricalLogLocator

    usual = sorted(point.expected for point in series if point.expected > 0)
    middle = usual[len(usual) // 2] if usual else 0.0
    highest = max((p.observed for p in series if math.isfinite(p.observed)), default=0.0)
    if unit_of(incident.measure).is_share or not middle or highest <= FAR * middle:
        axes.set_ylim(bottom=0)
    elif incident.measure == "latency":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=NAMED))
    else:
        linear = max(middle / 2, 1.0)
        axes.set_yscale("symlog", linthresh=linear)
        ticks = SymmetricalLogLocator(base=10, linthresh=linear, subs=NAMED)
        axes.yaxis.set_major_locator(ticks)
        axes.set_ylim(bottom=0)


def _label(axes: Axes, incident: Incident) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_title(_wrapped(incident.sentence), loc="left", fontsize=10, parse_math=False)
    axes.set_ylabel(_axis(incident))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    locator: Any = AutoDateLocator()  # type: ignore[no-untyped-call]
    concise: Any = ConciseDateFormatter(locator, tz="UTC")  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(concise)
    axes.set_xlabel("UTC")
    axes.grid(alpha=0.25)
    axes.margins(x=0.01)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _axis(incident: Incident) -> str:
    """Returns the label of the height axis."""
    unit = unit_of(incident.measure)
    if unit.is_share:
        return f"{unit.of_span} among the requests of 5 min [%]"
    return "addresses a minute" if _is_surge(incident) else unit.axis


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def _x(at: datetime) -> float:
    from matplotlib.dates import date2num

    return float(date2num(at))  # type: ignore[no-untyped-call]


def _is_surge(incident: Incident) -> bool:
    return incident.measure == MEASURE and incident.scope == GLOBAL


def _wrapped(text: str) -> str:
    """Breaks the text into at most three lines; names in it may be long."""
    from textwrap import wrap

    return "\n".join(wrap(text, WIDE, max_lines=3, placeholder=" ..."))
