"""Explore: selects rows, shows their distribution, and each row with all its fields."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from analytics.web.base.view import TEMPLATES, Page, View, Viewed
from analytics.web.explore import compare, completion, context, figures, moments, rows, tail, trace
from analytics.web.explore.compare import Comparison
from analytics.web.explore.completion import Completion
from analytics.web.explore.context import Context
from analytics.web.explore.figures import Found
from analytics.web.explore.filters import ALL
from analytics.web.explore.parameters import SPANS, Checked, Given, Parameters, around
from analytics.web.explore.rows import Part, Row
from analytics.web.explore.trace import Trace
from lakehouse.query.search import QueryFault
from lakehouse.query.search.edit import LONGEST_TERM
from lakehouse.query.search.fields import FIELDS
from lakehouse.query.search.parser import LONGEST
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal import times
from lakehouse.terminal.render import csv_line

router = APIRouter()
PAGE = Page("explore", "Explore", "/explore", router, order=2)
CSV_ROWS, CSV_PAGE = 100_000, 5000
Id = Annotated[str, Query(alias="id", max_length=LONGEST_TERM)]
Text = Annotated[str, Query(max_length=64)]
Against = Annotated[
    str,
    Query(
        max_length=80,
        description="before, a length of time (1d), a name of a version, incident:ID, or a time.",
    ),
]
MOST_TAGS = 6


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
    if _is_empty(view):
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
        **_of_rows(columns),
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
    shown = _of_rows(given.fields.columns)

    def render(found: list[Row]) -> str:
        template = TEMPLATES.get_template("explore/rows.html")
        return template.render(view=view, given=given, rows=found, **shown)

    async for event in tail.tail(view.lake, given.filters_of_any_time(), seen, render):
        yield event


@router.get("/explore/trace", response_class=HTMLResponse, include_in_schema=False)
def page_of_trace(
    view: Viewed, trace_id: Id = "", at: Text = "", within: Text = "15m", bars: Text = trace.END
) -> Response:
    """The events of a trace across services, around a time; without one, of all times."""
    if _is_empty(view):
        return view.render_empty(PAGE)
    found = _trace(view, trace_id, at, within, bars)
    choices = {"within": within, "at": at, "bars": bars, "spans": trace.WITHIN}
    return view.render(PAGE, "trace.html", trace=found, **choices, **_of_rows([]))


@router.get("/api/explore/trace", tags=["explore"])
def api_trace(
    view: Viewed, trace_id: Id = "", at: Text = "", within: Text = "15m", bars: Text = trace.END
) -> Trace:
    """The events of a trace around the time `at`; its bars end there, or with `begin` begin."""
    return _trace(view, trace_id, at, within, bars)


@router.get("/explore/context", response_class=HTMLResponse, include_in_schema=False)
def page_of_context(
    view: Viewed, event_id: Id = "", at: Text = "", same: Text = "user", within: Text = "1m"
) -> Response:
    """What the same user, address, host or service did before and after an event."""
    if _is_empty(view):
        return view.render_empty(PAGE)
    found = _context(view, event_id, at, same, within)
    choices = {"within": within, "spans": context.WITHIN}
    return view.render(PAGE, "context.html", context=found, **choices, **_of_rows([]))


@router.get("/api/explore/context", tags=["explore"])
def api_context(
    view: Viewed, event_id: Id = "", at: Text = "", same: Text = "user", within: Text = "1m"
) -> Context:
    """The rows around the event `id` of the time `at` that share a field with it."""
    return _context(view, event_id, at, same, within)


@router.get("/explore/compare", response_class=HTMLResponse, include_in_schema=False)
def page_of_comparison(
    view: Viewed, given: Given, against: Against = "", sort: Text = ""
) -> Response:
    """Two times side by side: before and after a moment, or now and a while earlier."""
    if _is_empty(view):
        return view.render_empty(PAGE)
    try:
        found, fault = _compare(view, given, against, sort), None
    except QueryFault as error:
        found, fault = None, error
    tags = Tags(view.lake.places).of(LOGS.name)[:MOST_TAGS]
    answer = view.render(
        PAGE,
        "compare.html",
        found=found,
        fault=fault,
        given=given,
        against=against.strip() or moments.BEFORE,
        choices={**moments.EARLIER, **{tag.name: f"since {tag.name}" for tag in tags}},
        spans={name: title for name, title in SPANS.items() if name != ALL},
        measures=compare.MEASURES,
        few=compare.FEW,
        names=[*FIELDS],
    )
    answer.status_code = HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK
    return answer


@router.get("/api/explore/compare", tags=["explore"])
def api_compare(view: Viewed, given: Given, against: Against = "", sort: Text = "") -> Comparison:
    """Rows, errors and latency at two times by the values of the field `by`."""
    return _compare(view, given, against, sort)


def _is_empty(view: View) -> bool:
    logs = view.snapshot.table(LOGS.name)
    return logs is None or not logs.rows


def _trace(view: View, trace_id: str, at: str, within: str, bars: str) -> Trace:
    logs, now = view.snapshot.need(LOGS.name), view.snapshot.now
    if at:
        first, end = around(times.time(at, now, "at"), within, trace.WITHIN)
    else:
        first, end = logs.oldest("timestamp"), logs.newest("timestamp") + timedelta(microseconds=1)
    return trace.find(view.snapshot, trace_id, first, end, bars)


def _context(view: View, event_id: str, at: str, same: str, within: str) -> Context:
    when = times.time(at, view.snapshot.now, "at")
    return context.find(view.snapshot, event_id, when, same, within)


def _compare(view: View, given: Parameters, against: str, sort: str) -> Comparison:
    pair = moments.pair(view, given.filters(view), against)
    return compare.compare(view.snapshot, pair, given.fields.group, sort)


def _explore(view: View, given: Parameters) -> Exploration:
    filters, of = given.filters(view), given.fields.checked()
    spread = figures.found(view.snapshot, filters, of.facets, of.group)
    part = rows.part(view.snapshot, filters, spread, given.cursor)
    version = view.snapshot.need(LOGS.name).version
    return Exploration(filters.first, filters.end, version, spread, part)


def _of_rows(columns: list[Any]) -> dict[str, Any]:
    """What the template of rows needs beside them."""
    links = {"term": Parameters.term, "shared": context.shared, "longest_id": LONGEST_TERM}
    return {"columns": columns, "cell": rows.cell, **links}


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
