"""The page of a result: figures as PNG, and one HTML file that needs nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from batch.jobs.pictures import LOOKS
from batch.jobs.service_metrics import figures, insights
from batch.jobs.service_metrics.reading import REJECT

pytestmark = pytest.mark.slow

START = datetime(2025, 1, 1, 22, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e$\\frac{"
MINUTES = pa.schema(
    [
        ("service", pa.string()),
        ("environment", pa.string()),
        ("minute", pa.timestamp("us", "UTC")),
        ("requests", pa.int64()),
        ("errors", pa.int64()),
        ("timed", pa.int64()),
        ("total_us", pa.decimal128(38)),
        ("mean_ms", pa.float64()),
        ("history", pa.int64()),
        ("expected_ms", pa.float64()),
        ("spread_ms", pa.float64()),
        ("z", pa.float64()),
        ("is_spike", pa.bool_()),
    ]
)
METRICS = pa.schema(
    [
        *[
            f
            for f in MINUTES
            if f.name not in ("minute", "history", "expected_ms", "spread_ms", "z", "is_spike")
        ],
        pa.field("error_rate", pa.float64()),
        pa.field("spikes", pa.int64()),
        pa.field("first_minute", pa.timestamp("us", "UTC")),
        pa.field("last_minute", pa.timestamp("us", "UTC")),
    ]
)


def put(folder: Path, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """Write a table of a result."""
    (folder / name).mkdir()
    parquet.write_table(pa.Table.from_pylist(rows, schema), folder / name / "part.parquet")


def minute(service: str, at: int, ms: float | None, z: float | None = None) -> dict[str, Any]:
    """A row of `minutes`."""
    return {
        "service": service,
        "environment": None if at % 2 else "prod",
        "minute": START + timedelta(minutes=at),
        "requests": 10,
        "errors": 1,
        "timed": 0 if ms is None else 10,
        "total_us": Decimal(int((ms or 0) * 10_000)),
        "mean_ms": ms,
        "history": 12,
        "expected_ms": 50.0,
        "spread_ms": 5.0,
        "z": z,
        "is_spike": z is not None and z >= 3,
    }


def drawn(folder: Path, services: tuple[str, ...], z: float | None) -> Path:
    """The insights of a small result, in which each service has one minute of this z."""
    minutes = [minute(s, at, 60.0 + at) for s in services for at in range(90)]
    minutes += [minute(s, 91, 400.0, z) for s in services]
    span = {"first_minute": START, "last_minute": START + timedelta(minutes=91)}
    metrics = [
        minute(s, at, 60.0) | {"error_rate": 0.1, "spikes": 1, **span}
        for s in services
        for at in (0, 1)
    ]
    put(folder, "minutes", minutes, MINUTES)
    put(folder, "metrics", metrics, METRICS)
    put(folder, "anomalies", [m for m in minutes if m["is_spike"]], MINUTES)
    put(folder, "enriched", [], pa.schema([("source", pa.string())]))
    bad = {"source": f"{HOSTILE}.ndjson", "line": 7, "reason": "syntax", "detail": "not JSON"}
    put(folder, "rejects", [bad], pa.schema(REJECT))
    insights.draw(folder)
    return folder / "insights"


@pytest.mark.parametrize("z", [8.0, None])
def test_each_figure_is_a_png_in_both_themes(tmp_path: Path, z: float | None) -> None:
    """Also where no minute was a spike."""
    out = drawn(tmp_path, ("search", "media"), z)
    names = sorted(file.name for file in out.glob("*.png"))
    assert names == [
        "hours-dark.png",
        "hours.png",
        "services-dark.png",
        "services.png",
        "spikes-dark.png",
        "spikes.png",
    ]
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """Its pictures are in it; it has no script, and asks nobody."""
    page = (drawn(tmp_path, ("search",), 8.0) / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 6
    assert not re.findall(r"<script|<link|https?://|url\(", page)


def test_hostile_names_are_text(tmp_path: Path) -> None:
    """In the page and in the figures: no tag, no control character, no formula."""
    page = (drawn(tmp_path, (HOSTILE,), 8.0) / "index.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert not {"\x1b", "\u202e"} & {*page}


def test_a_name_in_a_figure_is_short() -> None:
    """However long a service is called, and whether it has an environment."""
    long = "s" * 500
    assert figures.name_of((long, "\x07")) == f"{'s' * figures.LONGEST_NAME}… · \\x07"
    assert figures.name_of((long, None)).endswith("s…")


def test_long_names_are_not_mixed_up() -> None:
    """Two that read the same where they are cut have a row each."""
    means = [
        {"service": "s" * 50 + end, "environment": None, "hour": 3, "mean_ms": ms, "usual_ms": 0.0}
        for end, ms in (("a", 1.0), ("b", 2.0))
    ]
    axes = figures.hours(means, LOOKS["dark"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "2"]


def test_many_services_are_cut_to_the_busiest(tmp_path: Path) -> None:
    """A figure stays of a size that can be read, and says what it leaves out."""
    rows = [
        {
            "service": f"s{n}",
            "environment": "prod",
            "requests": n,
            "mean_ms": 1.0,
            "error_rate": 0.1,
        }
        for n in range(100)
    ]
    (left, _) = figures.services(rows, LOOKS["light"]).axes
    shown = [label.get_text() for label in left.get_yticklabels()]
    assert shown == [f"s{n}" for n in range(99, 99 - figures.MOST_SERVICES, -1)]
    assert left.get_title("left").endswith("first 16 of 100 services")
