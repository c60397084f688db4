"""Figures of a job's results: one look for all of them, light and dark, as PNG and in a page."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
# The palette of Okabe and Ito: told apart by those who do not see all colours; shapes differ too.
LIGHT_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
DARK_SERIES = ("#56b4e9", "#e69f00", "#2fc397", "#e59cc9")


@dataclass(frozen=True)
class Look:
    """The colours of a theme: maps of what rises and of what lies around a middle, and a text that
    can be read on the ends of the latter.
    """

    back: str
    text: str
    line: str
    series: tuple[str, ...]
    rising: str
    around: str
    beyond: str


LOOKS = {
    "light": Look("#ffffff", "#18212c", "#d5dce3", LIGHT_SERIES, "plasma_r", "RdBu_r", "#ffffff"),
    "dark": Look("#151d25", "#dde6ee", "#34414e", DARK_SERIES, "plasma", "berlin", "#18212c"),
}


def blank(look: Look, height: float) -> Figure:
    """A figure without pyplot: nothing is kept, and no screen is looked for."""
    from matplotlib.figure import Figure

    size = (10, min(height, 14))
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(wspace=0.06)
    return Figure(size, layout=layout, facecolor=look.back, edgecolor=look.text)


def dress(axes: Axes, look: Look, title: str, grid: Literal["both", "x", ""]) -> None:
    """Give axes their title and colours, and the grid lines that are wanted."""
    axes.set_title(title, loc="left", fontsize=11, color=look.text)
    axes.set_facecolor(look.back)
    axes.tick_params(colors=look.text, labelsize=9, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    if grid:
        axes.grid(axis=grid, color=look.line, linewidth=0.6)
        axes.set_axisbelow(True)


def pictures(out: Path, name: str, figure: Callable[[Look], Figure]) -> dict[str, str]:
    """The figure in each theme: as a file, and as a text that a page can hold."""
    found = {}
    for theme, look in LOOKS.items():
        png = _png(figure(look))
        suffix = "" if theme == "light" else f"-{theme}"
        (out / f"{name}{suffix}.png").write_bytes(png)
        found[theme] = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return found


def _png(figure: Figure) -> bytes:
    held = io.BytesIO()
    with warnings.catch_warnings():
        # a name may have letters that no font here has
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(held, format="png", dpi=130)
    return held.getvalue()


def page_template(folder: Path) -> Template:
    """The template `insights.html` of a folder, which extends `page.html` here."""
    from jinja2 import FileSystemLoader

    from lakehouse.terminal.html import templates

    return templates(FileSystemLoader([folder, HERE])).get_template("insights.html")
