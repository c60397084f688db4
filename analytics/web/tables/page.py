"""Tables: what each weighs, how far back it goes, and its partitions, hour by hour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.page import Page, View, Viewed
from analytics.web.tables import figures
from analytics.web.tables.figures import SHADES, Part, Weight
from lakehouse.tables.catalog import LOGS

router = APIRouter()
PAGE = Page("tables", "Tables", "/tables", router)
DAYS = 14
Shade = Annotated[Literal["rows", "files", "small_files", "bytes"], Query()]
Name = Annotated[str, Query(max_length=100)]
Skipped = Annotated[int, Query(ge=0, le=100_000, description="So many days before the newest.")]


@dataclass(frozen=True)
class Tables:
    """The tables of a lake at one moment."""

    lake: str
    tables: list[Weight]


@router.get("/tables", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, table: Name = LOGS.name, by: Shade = "rows", skip: Skipped = 0) -> Response:
    """The page."""
    weights = figures.weights(view.snapshot)
    if not weights:
        return view.empty(PAGE)
    parts = figures.parts(view.snapshot.need(table))
    days = sorted({part.date for part in parts}, reverse=True)[skip : skip + DAYS]
    shown = [part for part in parts if part.date in days]
    is_hourly = "hour" in view.snapshot.need(table).files.keys
    return view.page(
        PAGE,
        "tables.html",
        weights=weights,
        table=table,
        by=by,
        shades=SHADES,
        heat=figures.heat(shown, by) if is_hourly else None,
        partitions=shown,
        hour=hour,
        earlier=view.link(skip=str(skip + DAYS)) if _has_before(parts, days) else "",
        later=view.link(skip=str(max(0, skip - DAYS))) if skip else "",
    )


@router.get("/api/tables", tags=["tables"])
def api(view: Viewed) -> Tables:
    """Every table: rows, files, bytes, versions, what was last done for it."""
    return Tables(view.lake.places.lake, figures.weights(view.snapshot))


@router.get("/api/tables/{table}/partitions", tags=["tables"])
def api_partitions(view: Viewed, table: str) -> list[dict[str, Any]]:
    """The partitions of a table, newest day first."""
    return [asdict(part) for part in _parts(view, table)]


def _parts(view: View, table: str) -> list[Part]:
    return figures.parts(view.snapshot.need(table))


def _has_before(parts: list[Part], days: list[date]) -> bool:
    return bool(days) and any(part.date < days[-1] for part in parts)


def hour(day: date, slot: str) -> dict[str, str]:
    """The parameters of Explore for an hour."""
    after = day + timedelta(days=1) if slot == "23" else day
    return {"from": f"{day}T{slot}:00:00Z", "to": f"{after}T{(int(slot) + 1) % 24:02d}:00:00Z"}
