"""Incidents: the list, and a page for each with what was observed, expected, and why."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from analytics.web.base.view import Page, View, Viewed
from analytics.web.explore.moments import INCIDENT
from analytics.web.incidents import detail
from analytics.web.incidents.acting import MUTES, Done, Form, Wanted, act
from analytics.web.incidents.detail import Origin, Row
from analytics.web.incidents.links import linked
from analytics.web.lake import incidents
from analytics.web.lake.incidents import A_PAGE, FILTERS, Choice, IncidentFilters
from analytics.web.lake.responses import actions_of, actions_on
from lakehouse.response.action import TEXT_MOST
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.incidents import OPEN, RESOLVED, IncidentRow, IncidentSummary, unit_of
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal import times
from lakehouse.terminal.html import iso

router = APIRouter()
PAGE = Page("incidents", "Incidents", "/incidents", router, order=3)
SPANS = {"24 h": "-24h", "7 days": "-7d", "all": ""}
Some = Annotated[tuple[str, ...], Query(max_length=50)]
Time = Annotated[str, Query(max_length=40, description="RFC 3339, a date, or -24h.")]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]


@dataclass(frozen=True)
class ListQuery:
    """The parameters of a list of incidents."""

    filters: IncidentFilters
    skip: int


@dataclass(frozen=True)
class Found:
    """A page of incidents; for each filter its values, with how many each would leave."""

    incidents: list[IncidentSummary]
    has_more: bool
    choices: dict[str, list[Choice]]


@dataclass(frozen=True)
class IncidentDetail:
    """One incident with its narrower incidents, its events, what people did, and its origin."""

    incident: IncidentRow
    children: list[IncidentSummary]
    series: list[tuple[datetime, float | None]]
    samples: list[Row]
    origin: Origin
    actions: list[Done]


def list_query(
    view: Viewed,
    status: Some = (),
    severity: Some = (),
    measure: Some = (),
    service: Some = (),
    since: Time = "",
    until: Time = "",
    skip: Skip = 0,
) -> ListQuery:
    """The filters of a request; SettingsError where a time is none."""
    now = view.snapshot.now
    first, end = (
        times.time(text, now, name) if text else None
        for name, text in (("since", since), ("until", until))
    )
    return ListQuery(IncidentFilters(status, severity, measure, service, first, end), skip)


Listing = Annotated[ListQuery, Depends(list_query)]


@router.get("/incidents", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, query: Listing) -> Response:
    """Lists the incidents that the query selects, one page of them."""
    if view.snapshot.table(ANOMALIES.name) is None:
        return view.render(PAGE, found=None)
    found = _found(view, query)
    done = actions_on(view.snapshot, {one.incident_id for one in found.incidents})
    facets = {name: [*_facet(view, query, name, found.choices[name])] for name in FILTERS}
    return view.render(
        PAGE,
        found=found,
        last={name: actions[-1] for name, actions in done.items()},
        facets=facets,
        spans=SPANS,
        since=view.request.query_params.get("since", ""),
        skip=query.skip,
        earlier=view.link(skip=str(query.skip + A_PAGE)) if found.has_more else "",
        later=view.link(skip=str(max(0, query.skip - A_PAGE))) if query.skip else "",
    )


@router.get("/incidents/{incident_id}", response_class=HTMLResponse, include_in_schema=False)
def page_of_one(view: Viewed, incident_id: str) -> Response:
    """One incident; `part=seen` is its chart with the band, `part=explained` its explanation."""
    found = _detail(view, incident_id)
    incident = found.incident
    part = view.request.query_params.get("part", "")
    explained = _explained(view, incident) if part in ("seen", "explained") else {}
    seen = detail.chart(incident, found.series, detail.band(explained))
    return view.render(
        PAGE,
        "incident.html",
        detail=found,
        one=incident,
        seen=seen,
        lines=explained.get("lines", []),
        unit=unit_of(incident.measure).axis,
        around=_around(incident),
        since=_since(incident),
        linked=partial(linked, own=str(view.request.base_url)),
        before=iso(found.origin.before),
        mutes=MUTES,
        text_most=TEXT_MOST,
        form_id=secrets.token_hex(8),
    )


@router.post("/incidents/{incident_id}/actions", include_in_schema=False)
def post_form(view: Viewed, incident_id: str, wanted: Form) -> Response:
    """Does what a person wants done about an incident, and leads back to its page."""
    act(view, incident_id, wanted)
    there = f"/incidents/{quote(incident_id, safe='')}#people"
    return RedirectResponse(there, HTTPStatus.SEE_OTHER)


@router.post("/api/incidents/{incident_id}/actions", tags=["incidents"])
def api_act(view: Viewed, incident_id: str, wanted: Wanted) -> Done:
    """Acknowledge, mute, comment on or resolve an incident; a token needs the scope `write`."""
    return Done.of(act(view, incident_id, wanted))


@router.get("/api/incidents", tags=["incidents"])
def api(view: Viewed, query: Listing) -> Found:
    """Incidents that the filters leave, open ones first; fifty at a time."""
    view.snapshot.need(ANOMALIES.name)
    return _found(view, query)


@router.get("/api/incidents/{incident_id}", tags=["incidents"])
def api_of_one(view: Viewed, incident_id: str) -> IncidentDetail:
    """One incident with its minutes, its events, and what it was computed from."""
    return _detail(view, incident_id)


@router.get("/api/incidents/{incident_id}/explained", tags=["incidents"])
def api_explained(view: Viewed, incident_id: str) -> dict[str, Any]:
    """What `logpond explain` says: its closed minutes are folded again, which takes a while."""
    incident = incidents.one(view.snapshot, view.snapshot.need(ANOMALIES.name), incident_id)
    return _explained(view, incident)


def _found(view: View, query: ListQuery) -> Found:
    anomalies = view.snapshot.need(ANOMALIES.name)
    rows = incidents.rows(view.snapshot, anomalies, query.filters, query.skip)
    choices = incidents.counts(view.snapshot, anomalies, query.filters)
    return Found(rows[:A_PAGE], len(rows) > A_PAGE, choices)


def _facet(
    view: View, query: ListQuery, name: str, choices: list[Choice]
) -> Iterator[tuple[Choice, bool, str]]:
    """Yields each value of a filter, whether it is selected, and the link that toggles it."""
    now = getattr(query.filters, name)
    for choice in choices:
        rest = [value for value in now if value != choice.value]
        is_on = choice.value in now
        values = rest if is_on else [*rest, choice.value]
        changes: dict[str, list[str] | None] = {name: values, "skip": None}
        yield choice, is_on, view.link("", **changes)


def _detail(view: View, incident_id: str) -> IncidentDetail:
    snapshot, anomalies = view.snapshot, view.snapshot.need(ANOMALIES.name)
    incident = incidents.one(snapshot, anomalies, incident_id)
    return IncidentDetail(
        incident,
        incidents.children(snapshot, anomalies, incident_id),
        detail.series(snapshot, incident),
        detail.samples(snapshot, incident),
        detail.origin(snapshot, incident),
        [*map(Done.of, actions_of(snapshot, incident_id))],
    )


def _around(incident: IncidentRow) -> dict[str, str]:
    """The parameters of Explore for the rows of an incident."""
    first, end = detail.span(incident)
    return {"from": iso(first), "to": iso(end), **_selected(incident)}


def _since(incident: IncidentRow) -> dict[str, str]:
    """The parameters of a comparison of its first hour with the hour before."""
    against = f"{INCIDENT}{incident.incident_id}"
    return {"against": against, "last": "1h", **_selected(incident)}


def _selected(incident: IncidentRow) -> dict[str, str]:
    keys = {name: str(getattr(incident, name) or "") for name in ("service", "endpoint")}
    # Explore has no filter by address of its own: the text search finds it
    return {"q": incident.ip or "", **keys}


def _explained(view: View, incident: IncidentRow) -> dict[str, Any]:
    """Returns the answer of `explain`, cached while the incident does not change."""
    table = MINUTES.name if incident.status in (OPEN, RESOLVED) else ANOMALIES.name
    version = view.snapshot.need(table).version
    found: dict[str, Any] = view.commands.answer("explain", incident.incident_id, version=version)
    return found
