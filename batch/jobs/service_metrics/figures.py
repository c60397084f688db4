"""The figures of a result: services side by side, spikes over time, response times by hour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batch.jobs.pictures import Look, blank, dress
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
Key = tuple[str, str | None]
MOST_SERVICES, MOST_KEYS, LONGEST_NAME = 16, 20, 26


def key_of(row: Row) -> Key:
    """What a row is about: a service in an environment."""
    return row["service"], row["environment"]


def name_of(key: Key) -> str:
    """A service in an environment, safe to print, and short."""
    service, environment = key
    return short(service) + (f" · {short(environment)}" if environment else "")


def short(name: str | None) -> str:
    """A name, safe to print, and cut where it is very long."""
    text = escaped(name or "(none)")
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def services(metrics: Sequence[Row], look: Look) -> Figure:
    """Mean response time and error rate, a row a service, a bar an environment."""
    named, deployed = _ranked(metrics, "service"), _ranked(metrics, "environment")
    ranked, environments = named[:MOST_SERVICES], deployed[: len(look.series)]
    figure = blank(look, 1.6 + 0.19 * len(ranked) * (1 + len(environments)))
    left, right = figure.subplots(1, 2, sharey=True)
    for at, environment in enumerate(environments):
        own = {m["service"]: m for m in metrics if m["environment"] == environment}
        places = [
            row + (at - (len(environments) - 1) / 2) * 0.8 / len(environments)
            for row in range(len(ranked))
        ]
        style = {"color": look.series[at], "label": short(environment)}
        height = 0.72 / len(environments)
        _bars(left, places, [_get(own, s, "mean_ms") for s in ranked], height, "{:,.0f}", style)
        rates = [_get(own, s, "error_rate", 100) for s in ranked]
        _bars(right, places, rates, height, "{:.2f}", style)
    left.set_yticks(range(len(ranked)), [short(s) for s in ranked], parse_math=False)
    left.invert_yaxis()
    cut = _cut(ranked, named, "services"), _cut(environments, deployed, "environments")
    titles = "mean response time [ms]" + cut[0], "error rate [%]" + cut[1]
    for axes, title in zip((left, right), titles, strict=True):
        dress(axes, look, title, "x")
        axes.margins(x=0.16)
        axes.set_xlim(left=0)
    _legend(figure, left, look)
    return figure


def spikes(anomalies: Sequence[Row], span: tuple[Any, Any], look: Look) -> Figure:
    """Each spike where and when it was; the larger and the warmer, the higher its z."""
    worst: dict[Key, float] = {}
    for one in anomalies:
        worst[key_of(one)] = max(one["z"], worst.get(key_of(one), 0.0))
    named = sorted(worst, key=worst.__getitem__, reverse=True)
    keys = named[:MOST_KEYS]
    figure = blank(look, 2.2 + 0.27 * max(len(keys), 3))
    axes = figure.subplots()
    points = sorted((a for a in anomalies if key_of(a) in keys), key=lambda a: a["z"])
    if points:
        _points(figure, axes, points, keys, look)
    else:
        axes.text(
            0.5,
            0.5,
            "no minute was a spike",
            transform=axes.transAxes,
            ha="center",
            color=look.text,
        )
    axes.set_yticks(range(len(keys)), map(name_of, keys), parse_math=False)
    axes.set_ylim(max(len(keys), 1) - 0.4, -0.6)
    _times(axes, span)
    dress(axes, look, "minutes that are spikes, by time [UTC]" + _cut(keys, named, ""), "both")
    return figure


def hours(means: Sequence[Row], look: Look) -> Figure:
    """Mean response time by hour of the day, coloured by how it compares with that service's."""
    import numpy as np

    named = list(dict.fromkeys(map(key_of, means)))
    keys = named[:MOST_KEYS]
    first, last = min(m["hour"] for m in means), max(m["hour"] for m in means)
    grid = np.full((len(keys), last - first + 1), math.nan)
    ratio = grid.copy()
    for one in means:
        if key_of(one) in keys and one["mean_ms"] is not None:
            place = keys.index(key_of(one)), one["hour"] - first
            grid[place], ratio[place] = one["mean_ms"], _ratio(one)
    figure = blank(look, 1.8 + 0.3 * len(keys))
    axes = figure.subplots()
    _cells(figure, axes, grid, ratio, look)
    axes.set_yticks(range(len(keys)), map(name_of, keys), parse_math=False)
    axes.set_xticks(range(grid.shape[1]), [f"{hour:02d}" for hour in range(first, last + 1)])
    title = "mean response time [ms] by hour of the day [UTC]"
    dress(axes, look, title + _cut(keys, named, ""), "")
    return figure


def _ratio(one: Row) -> float:
    """How a mean compares with the usual, between half and twice."""
    usual = one["usual_ms"]
    return float(min(max(one["mean_ms"] / usual, 0.5), 2.0)) if usual else 1.0


def _points(
    figure: Figure, axes: Axes, points: Sequence[Row], keys: Sequence[Key], look: Look
) -> None:
    from matplotlib.colors import LogNorm

    z = [one["z"] for one in points]
    drawn = axes.scatter(
        [one["minute"] for one in points],
        [keys.index(key_of(one)) for one in points],
        s=[6 + 5 * math.log2(max(value, 1)) ** 2 for value in z],
        c=z,
        cmap=look.rising,
        norm=LogNorm(min(z), max(*z, min(z) * 2)),
        edgecolors=look.text,
        linewidths=0.6,
        zorder=3,
    )
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30)
    ticks = [t for t in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500) if min(z) <= t <= max(z)]
    ticks = ticks or [min(z)]
    bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks])
    bar.ax.minorticks_off()
    _dress_bar(bar, "z [standard deviations]", look)


def _cells(figure: Figure, axes: Axes, grid: Any, ratio: Any, look: Look) -> None:
    import numpy as np

    colours = np.log2(ratio)
    drawn = axes.imshow(colours, cmap=look.around, vmin=-1, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(grid)), strict=True):
        is_far = abs(colours[row, column]) > 0.62
        axes.text(
            column,
            row,
            _brief(grid[row, column]),
            ha="center",
            va="center",
            fontsize=7.5,
            color=look.beyond if is_far else look.text,
        )
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30)
    bar.set_ticks([-1, 0, 1], labels=["half", "usual", "twice"])
    _dress_bar(bar, "against its own mean", look)


def _bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float],
    height: float,
    form: str,
    style: dict[str, Any],
) -> None:
    bars = axes.barh(places, values, height, **style)
    labels = ["" if math.isnan(value) else form.format(value) for value in values]
    axes.bar_label(bars, labels, padding=3, fontsize=8, color=axes.figure.get_edgecolor())


def _dress_bar(bar: Any, label: str, look: Look) -> None:
    bar.set_label(label, color=look.text, fontsize=9)
    bar.ax.tick_params(colors=look.text, labelsize=8, length=0)
    bar.outline.set_visible(False)


def _legend(figure: Figure, axes: Axes, look: Look) -> None:
    handles, names = axes.get_legend_handles_labels()
    legend = figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        labelcolor=look.text,
        fontsize=9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _times(axes: Axes, span: tuple[Any, Any]) -> None:
    from datetime import UTC, timedelta

    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator: Any = AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    formatter: Any = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
    around = max((span[1] - span[0]) * 0.02, timedelta(minutes=1))
    axes.set_xlim(span[0] - around, span[1] + around)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def _ranked(metrics: Sequence[Row], by: str) -> list[Any]:
    """The values of a column, by requests."""
    totals: dict[Any, int] = {}
    for one in metrics:
        totals[one[by]] = totals.get(one[by], 0) + one["requests"]
    return sorted(totals, key=lambda value: (-totals[value], str(value)))


def _cut(kept: Sequence[Any], there: Sequence[Any], what: str) -> str:
    """What a title says where not all is shown."""
    return f", first {len(kept)} of {len(there)} {what}".rstrip() if kept != there else ""


def _get(own: Mapping[Any, Row], service: Any, field: str, times: float = 1) -> float:
    found = own.get(service, {}).get(field)
    return math.nan if found is None else found * times


def _brief(ms: float) -> str:
    return f"{ms:,.0f}" if ms < 10_000 else f"{ms / 1000:,.0f}k"
