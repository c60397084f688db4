"""Closer looks from Explore: a trace, the context of a row, two times compared, saved views."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from analytics.web.base.form import Fields
from analytics.web.base.view import View, Viewed
from analytics.web.explore import compare, context, moments, trace, views
from analytics.web.explore.compare import Comparison
from analytics.web.explore.context import Context
from analytics.web.explore.entry import PAGE, is_empty, of_rows, router
from analytics.web.explore.filters import ALL
from analytics.web.explore.parameters import INSTANT, SPANS, Given, Parameters, around
from analytics.web.explore.trace import Trace
from analytics.web.explore.views import KeptViews
from lakehouse.errors import SettingsError
from lakehouse.query.search import QueryFault
from lakehouse.query.search.edit import LONGEST_TERM
from lakehouse.query.search.fields import FIELDS
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal import times

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


@router.get("/explore/trace", response_class=HTMLResponse, include_in_schema=False)
def page_of_trace(
    view: Viewed, trace_id: Id = "", at: Text = "", within: Text = "15m", bars: Text = trace.END
) -> Response:
    """The events of a trace across services, around a time; without one, of all times."""
    if is_empty(view):
        return view.render_empty(PAGE)
    found = _trace(view, trace_id, at, within, bars)
    choices = {"within": within, "at": at, "bars": bars, "spans": trace.WITHIN}
    return view.render(PAGE, "trace.html", trace=found, **choices, **of_rows([]))


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
    if is_empty(view):
        return view.render_empty(PAGE)
    found = _context(view, event_id, at, same, within)
    choices = {"within": within, "spans": context.WITHIN}
    return view.render(PAGE, "context.html", context=found, **choices, **of_rows([]))


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
    if is_empty(view):
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


@router.get("/explore/views", response_class=HTMLResponse, include_in_schema=False)
def page_of_views(view: Viewed, given: Given) -> Response:
    """The kept views, and a form that keeps the one that the address says."""
    asked = {name for name in view.request.query_params if name in (*views.PARTS, "q", "add")}
    now = views.values_of(given) if asked else {}
    kept = KeptViews(view.lake.places).listed()
    return view.render(PAGE, "views.html", now=now, text=urlencode(now, doseq=True), kept=kept)


@router.post("/explore/views", include_in_schema=False)
def keep_view(view: Viewed, given: Fields) -> Response:
    """Keeps a view under a name, or deletes the one that has it."""
    kept, name = KeptViews(view.lake.places), given.get("name", "").strip()
    if given.get("delete"):
        kept.delete(name)
        return RedirectResponse("/explore/views", HTTPStatus.SEE_OTHER)
    values = views.parsed(given.get("q", ""))
    if not values:
        raise SettingsError("nothing of Explore is chosen", "choose rows there, and keep them then")
    kept.keep(views.kept(name, values, view.who, datetime.now(UTC).replace(microsecond=0)))
    return RedirectResponse(view.to("/explore", **values), HTTPStatus.SEE_OTHER)


@router.get("/explore/view", include_in_schema=False)
def go_to_view(view: Viewed, name: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Leads to what is kept under a name, at the same moment."""
    values = KeptViews(view.lake.places).values(name)
    return RedirectResponse(view.to("/explore", **values), HTTPStatus.SEE_OTHER)


@router.get("/api/explore/views", tags=["explore"])
def api_views(view: Viewed) -> list[views.View]:
    """The kept views, by name: each with its parameters of Explore."""
    return KeptViews(view.lake.places).listed()


def _trace(view: View, trace_id: str, at: str, within: str, bars: str) -> Trace:
    first, newest = view.snapshot.event_times()
    end = newest + INSTANT
    if at:
        first, end = around(times.time(at, view.snapshot.now, "at"), within, trace.WITHIN)
    return trace.find(view.snapshot, trace_id, first, end, bars)


def _context(view: View, event_id: str, at: str, same: str, within: str) -> Context:
    when = times.time(at, view.snapshot.now, "at")
    return context.find(view.snapshot, event_id, when, same, within)


def _compare(view: View, given: Parameters, against: str, sort: str) -> Comparison:
    pair = moments.pair(view, given.filters(view), against)
    return compare.compare(view.snapshot, pair, given.fields.group, sort)
