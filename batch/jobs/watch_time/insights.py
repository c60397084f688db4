"""The page of the totals: what each region watched, as figures and tables, in one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.jobs.pictures import Look, blank, dress, page_template, pictures
from batch.jobs.watch_time.totals import TOTALS, Region, by_region
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from batch.jobs.watch_time.workspace import Note

HERE = Path(__file__).parent
INSIGHTS = "insights"
MOST_USERS, MOST_REGIONS = 25, 16
CAPTIONS = {"regions": "What each region watched"}


def draw(folder: Path, notes: Sequence[Note]) -> None:
    """Write `insights/` beside the totals: PNG files, light and dark, and the page."""
    out = folder / INSIGHTS
    out.mkdir()
    found = by_region(folder)
    images = {"regions": pictures(out, "regions", lambda look: regions(found, look))}
    rejects: Counter[str] = Counter()
    for note in notes:
        rejects.update(note.rejects)
    page = page_template(HERE).render(
        regions=found,
        users=top_users(folder),
        pictures=images,
        captions=CAPTIONS,
        files=len(notes),
        rows=sum(note.rows for note in notes),
        views=(views := sum(one.views for one in found)),
        duplicates=sum(note.duplicates + note.views for note in notes) - views,
        hours=sum(one.watch_time_min for one in found) / 60,
        rejects=dict(rejects.most_common()),
        rejected=rejects.total(),
    )
    (out / "index.html").write_text(page)


def top_users(folder: Path) -> list[dict[str, Any]]:
    """Who watched most, by region."""
    import polars as pl

    files = sorted((folder / TOTALS).glob("geo_region=*/*.parquet"))
    rows = [
        {"geo_region": file.parent.name.partition("=")[2], **row}
        for file in files
        for row in pl.scan_parquet(file, glob=False, hive_partitioning=False)
        .top_k(MOST_USERS, by=["watch_time_min", "user_id"])
        .collect(engine="streaming")
        .to_dicts()
    ]
    return sorted(rows, key=lambda row: (-row["watch_time_min"], row["user_id"]))[:MOST_USERS]


def regions(found: Sequence[Region], look: Look) -> Figure:
    """Hours watched, views and users, a bar a region; the most watched first."""
    shown = found[:MOST_REGIONS]
    figure = blank(look, 1.4 + 0.36 * len(shown))
    panels = figure.subplots(1, 3, sharey=True)
    measures: dict[str, Callable[[Region], float]] = {
        "hours watched": lambda one: float(one.watch_time_min) / 60,
        "views": lambda one: one.views,
        "users": lambda one: one.users,
    }
    for at, (axes, (title, of)) in enumerate(zip(panels, measures.items(), strict=True)):
        _bars(axes, [of(one) for one in shown], look, look.series[at])
        dress(axes, look, title, "x")
    names = [escaped(one.geo_region)[:26] for one in shown]
    panels[0].set_yticks(range(len(shown)), names, parse_math=False)
    panels[0].invert_yaxis()
    return figure


def _bars(axes: Axes, values: Sequence[float], look: Look, color: str) -> None:
    from lakehouse.terminal.html import number

    bars = axes.barh(range(len(values)), values, 0.7, color=color)
    axes.bar_label(bars, [*map(number, values)], padding=3, fontsize=8, color=look.text)
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(_few())
    axes.xaxis.set_major_formatter(lambda value, _: number(value))


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)
