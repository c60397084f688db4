"""Explore: selects rows, shows their distribution, and each row with all its fields."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Any

from fastapi import Header, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from analytics.web.base.view import TEMPLATES, View, Viewed
from analytics.web.explore import closer, completion, figures, rows, tail
from analytics.web.explore.completion import Completion
from analytics.web.explore.entry import PAGE, is_empty, of_rows, router
from analytics.web.explore.figures import Found
from analytics.web.explore.parameters import SPANS, Checked, Given, Parameters
from analytics.web.explore.rows import Part, Row
from lakehouse.query.search import QueryFault
from lakehouse.query.search.fields import FIELDS
from lakehouse.query.search.parser import LONGEST
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal.render import csv_line

__all__ = ["PAGE", "closer"]
CSV_ROWS, CSV_PAGE = 100_000, 5000


@dataclass(frozen=True)
class Exploration:
    """All of Explore: the time range, how its rows are spread, a page of rows."""

    first: datetime
    end: datetime
    version: int
    found: Found
    part: Part


@router.get("/explore", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, given: Given) -> Response:
    """The page. Where the query has a fault it is shown at its place, and nothing is read."""
    if is_empty(view):
        return view.render_empty(PAGE)
    try:
        result, fault = _explore(view, given), None
        columns = given.fields.columns
    except QueryFault as error:
        result, fault, columns = None, error, []
    answer = view.render(
        PAGE,
        result=result,
        fault=fault,
        given=given,
        spans=SPANS,
        names=[*FIELDS],
        is_tail=bool(view.request.query_params.get("tail")) and view.snapshot.is_live,
        stopped=_stopped(view, view.snapshot.need(LOGS.name).newest("timestamp")),
        **of_rows(columns),
    )
    answer.status_code = HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK
    return answer


@router.get("/api/explore", tags=["explore"])
def api(view: Viewed, given: Given) -> Exploration:
    """A histogram, facets and a page of rows; `before` takes `part.next` for the page after it."""
    return _explore(view, given)


@router.get("/api/explore/complete", tags=["explore"])
def complete(
    view: Viewed,
    query: Annotated[str, Query(max_length=LONGEST)] = "",
    at: Annotated[int, Query(ge=0, le=LONGEST, description="Characters before the caret.")] = 0,
) -> Completion:
    """What may stand at a place of a query: fields, or values that the newest rows have."""
    return completion.complete(view.snapshot, query, at)


@router.get("/explore.csv", response_class=StreamingResponse, include_in_schema=False)
def as_csv(view: Viewed, given: Given) -> StreamingResponse:
    """The newest rows that the filters leave, as CSV."""
    filters = given.filters(view)
    pages = rows.parts(view.snapshot, filters, CSV_ROWS, CSV_PAGE)
    name = f"logs-{filters.first:%Y%m%dT%H%M%S}-{filters.end:%Y%m%dT%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = _csv(pages)
    # what is wrong with the filters shows here: later the answer has begun
    whole = chain([next(lines, "")], lines)
    return StreamingResponse(whole, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/explore/tail",
    response_class=EventSourceResponse,
    include_in_schema=False,
)
async def live(
    view: Viewed,
    given: Checked,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str, Query(max_length=20, description="The id of the last event seen.")] = "",
) -> AsyncIterator[ServerSentEvent]:
    """Live tail: an event with the rows of each new commit, as HTML."""
    seen = last_event_id or after
    shown = of_rows(given.fields.columns)

    def render(found: list[Row]) -> str:
        template = TEMPLATES.get_template("explore/rows.html")
        return template.render(view=view, given=given, rows=found, **shown)

    async for event in tail.tail(view.lake, given.filters_of_any_time(), seen, render):
        yield event


def _explore(view: View, given: Parameters) -> Exploration:
    filters, of = given.filters(view), given.fields.checked()
    spread = figures.found(view.snapshot, filters, of.facets, of.group)
    part = rows.part(view.snapshot, filters, spread, given.cursor)
    version = view.snapshot.need(LOGS.name).version
    return Exploration(filters.first, filters.end, version, spread, part)


def _stopped(view: View, newest: datetime) -> datetime | None:
    """Returns the newest event if it is so old that ranges count back from it instead of now."""
    is_old = view.snapshot.is_live and view.snapshot.now - newest > timedelta(minutes=5)
    return newest if is_old else None


def _csv(pages: Iterator[list[Row]]) -> Iterator[str]:
    names = LOGS.columns.names
    for number, found in enumerate(pages):
        head = [] if number else [names]
        lines = [*head, *([_cell(row.get(name)) for name in names] for row in found)]
        yield "".join(f"{csv_line(line)}\r\n" for line in lines)


def _cell(value: Any) -> Any:
    """A map or a list as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
