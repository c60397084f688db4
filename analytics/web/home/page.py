"""Home: the state now, and the last hours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from analytics.web.base.live import changes
from analytics.web.base.view import Page, View, Viewed
from analytics.web.home import figures as home_figures
from analytics.web.home.figures import SPANS, Home
from analytics.web.home.newest_patterns import NewPattern, newest_patterns
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.tables.rollups import MINUTES

router = APIRouter()
PAGE = Page("home", "Home", "/", router, order=1)
WATCHED = (LOGS.name, MINUTES.name, ANOMALIES.name)
Hours = Annotated[Literal["1", "6", "24"], Query(description="How many hours to look back.")]


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def page(
    view: Viewed, hours: Hours = "6", part: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Renders the page; its part `patterns` is fetched later."""
    logs = view.snapshot.table(LOGS.name)
    if logs is None or not logs.rows:
        return view.render_empty(PAGE)
    if part == "patterns":
        return view.render(PAGE, patterns=newest_patterns(view.snapshot))
    return view.render(PAGE, home=_home(view, hours), spans=[*SPANS])


@router.get("/api/home", tags=["home"])
def figures(view: Viewed, hours: Hours = "6") -> Home:
    """Figures of now with their series, services, incidents, recent events."""
    return _home(view, hours)


@router.get("/api/home/patterns", tags=["home"])
def patterns(view: Viewed) -> list[NewPattern]:
    """Patterns of messages that began last, among the newest lines."""
    return newest_patterns(view.snapshot)


@router.get(
    "/live",
    response_class=EventSourceResponse,
    include_in_schema=False,
)
async def live(view: Viewed) -> AsyncIterator[ServerSentEvent]:
    """Send an event whenever there are newer rows or incidents."""
    async for event in changes(view.lake, WATCHED):
        yield event


def _home(view: View, hours: str) -> Home:
    return home_figures.home(view.snapshot, view.request.app.state.lag, int(hours))
