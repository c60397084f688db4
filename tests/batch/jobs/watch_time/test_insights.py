"""The page of `watch-time`: figures and tables of the totals, harmless whatever names are."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from batch.jobs.watch_time import insights
from batch.jobs.watch_time.workspace import Note

SCRIPT = "<script>alert(1)</script>\x1b[2J"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The insights of two regions."""
    folder = tmp_path_factory.mktemp("totals")
    for region, hours in (("europe", 3), ("private", 1)):
        part = folder / "totals" / f"geo_region={region}"
        part.mkdir(parents=True)
        users = [SCRIPT, *(f"user{n}" for n in range(40))]
        rows = {
            "user_id": users,
            "watch_time_min": [Decimal(60 * hours)] + [Decimal(1)] * 40,
            "views": [2] * 41,
            "copies": [3] * 41,
        }
        pl.DataFrame(rows).write_parquet(part / "a.parquet")
    facts = {"rejects": {"bad_timestamp": 7}, "regions": {}, "duplicates": 5, "views": 246}
    note = Note("a.csv", 1, 1, "r", 258, seconds=1, cpu_seconds=1, peak_bytes=1, **facts)
    insights.draw(folder, [note])
    return folder / "insights"


@pytest.mark.slow
def test_figures_are_files_too(page: Path) -> None:
    """Light and dark, as PNG."""
    assert {one.name for one in page.iterdir()} == {
        "index.html",
        "regions.png",
        "regions-dark.png",
    }
    assert (page / "regions.png").read_bytes()[1:4] == b"PNG"


def test_the_page_has_the_numbers(page: Path) -> None:
    """Of regions, of who watched most, and of what was no view."""
    text = (page / "index.html").read_text()
    for shown in ("europe", "private", "bad timestamp", ">164<", ">87<", ">3.0<"):
        assert shown in text, shown
    assert text.index("europe") < text.index("private")


def test_names_of_users_are_text(page: Path) -> None:
    """No script runs, no sequence of a terminal is left."""
    text = (page / "index.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
