"""Incidents: the list, and a page for each: what was seen, what was expected, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.page import Page, View, Viewed
from analytics.web.incidents import rows as incident_rows
from analytics.web.incidents import story
from analytics.web.incidents.rows import A_PAGE, FILTERS, Choice, Incident, Listed, Wanted
from analytics.web.incidents.story import Origin, Row
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal import times
from lakehouse.terminal.html import iso

router = APIRouter()
PAGE = Page("incidents", "Incidents", "/incidents", router)
SPANS = {"24 h": "-24h", "7 days": "-7d", "all": ""}
Some = Annotated[tuple[str, ...], Query(max_length=50)]
Time = Annotated[str, Query(max_length=40, description="RFC 3339, a date, or -24h.")]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]


@dataclass(frozen=True)
class Chosen:
    """What a request asks for; `since` and `until` as they were written."""

    wanted: Wanted
    skip: int


@dataclass(frozen=True)
class Found:
    """A page of incidents; for each filter its values, with how many each would leave."""

    incidents: list[Listed]
    has_more: bool
    choices: dict[str, list[Choice]]


@dataclass(frozen=True)
class Story:
    """One incident with what it took in, its events, and what it was computed from."""

    incident: Incident
    children: list[Listed]
    series: list[tuple[datetime, float | None]]
    samples: list[Row]
    origin: Origin


def chosen(
    view: Viewed,
    status: Some = (),
    severity: Some = (),
    measure: Some = (),
    service: Some = (),
    since: Time = "",
    until: Time = "",
    skip: Skip = 0,
) -> Chosen:
    """The filters of a request; SettingsError where a time is none."""
    now = view.snapshot.now
    first, end = (
        times.time(text, now, name) if text else None
        for name, text in (("since", since), ("until", until))
    )
    return Chosen(Wanted(status, severity, measure, service, first, end), skip)


Asked = Annotated[Chosen, Depends(chosen)]


@router.get("/incidents", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, asked: Asked) -> Response:
    """The list."""
    if view.snapshot.table(ANOMALIES.name) is None:
        return view.page(PAGE, "incidents.html", found=None)
    found = _found(view, asked)
    facets = {name: [*_facet(view, asked, name, found.choices[name])] for name in FILTERS}
    return view.page(
        PAGE,
        "incidents.html",
        found=found,
        facets=facets,
        spans=SPANS,
        since=view.request.query_params.get("since", ""),
        skip=asked.skip,
        earlier=view.link(skip=str(asked.skip + A_PAGE)) if found.has_more else "",
        later=view.link(skip=str(max(0, asked.skip - A_PAGE))) if asked.skip else "",
    )


@router.get("/incidents/{incident_id}", response_class=HTMLResponse, include_in_schema=False)
def page_of_one(view: Viewed, incident_id: str) -> Response:
    """One incident; `part=seen` is its chart with the band, `part=explained` the minutes again."""
    told = _story(view, incident_id)
    part = view.request.query_params.get("part", "")
    again = _explained(view, told.incident) if part in ("seen", "explained") else {}
    seen = story.chart(told.incident, told.series, story.band(again))
    return view.page(
        PAGE,
        "incident.html",
        told=told,
        one=told.incident,
        seen=seen,
        lines=again.get("lines", []),
        unit=story.unit(told.incident),
        around=_around(told.incident),
        before=iso(told.origin.before),
    )


@router.get("/api/incidents", tags=["incidents"])
def api(view: Viewed, asked: Asked) -> Found:
    """The chosen incidents, open ones first; fifty at a time."""
    view.snapshot.need(ANOMALIES.name)
    return _found(view, asked)


@router.get("/api/incidents/{incident_id}", tags=["incidents"])
def api_of_one(view: Viewed, incident_id: str) -> Story:
    """One incident with its minutes, its events, and what it was computed from."""
    return _story(view, incident_id)


@router.get("/api/incidents/{incident_id}/explained", tags=["incidents"])
def api_explained(view: Viewed, incident_id: str) -> dict[str, Any]:
    """What `logpond explain` says: its closed minutes are folded again, which takes a while."""
    incident = incident_rows.one(view.snapshot, view.snapshot.need(ANOMALIES.name), incident_id)
    return _explained(view, incident)


def _found(view: View, asked: Chosen) -> Found:
    anomalies = view.snapshot.need(ANOMALIES.name)
    rows = incident_rows.rows(view.snapshot, anomalies, asked.wanted, asked.skip)
    choices = incident_rows.counts(view.snapshot, anomalies, asked.wanted)
    return Found(rows[:A_PAGE], len(rows) > A_PAGE, choices)


def _facet(
    view: View, asked: Chosen, name: str, choices: list[Choice]
) -> Iterator[tuple[Choice, bool, str]]:
    """Each value, whether it is chosen, and the link that chooses or drops it."""
    now = getattr(asked.wanted, name)
    for choice in choices:
        rest = [value for value in now if value != choice.value]
        is_on = choice.value in now
        values = rest if is_on else [*rest, choice.value]
        changes: dict[str, list[str] | None] = {name: values, "skip": None}
        yield choice, is_on, view.link("", **changes)


def _story(view: View, incident_id: str) -> Story:
    snapshot, anomalies = view.snapshot, view.snapshot.need(ANOMALIES.name)
    incident = incident_rows.one(snapshot, anomalies, incident_id)
    return Story(
        incident,
        incident_rows.children(snapshot, anomalies, incident_id),
        story.series(snapshot, incident),
        story.samples(snapshot, incident),
        story.origin(snapshot, incident),
    )


def _around(incident: Incident) -> dict[str, str]:
    """The parameters of Explore for the rows of an incident."""
    first, end = story.span(incident)
    keys = {name: str(getattr(incident, name) or "") for name in ("service", "endpoint")}
    # Explore has no filter by address of its own: the text search finds it
    return {"from": iso(first), "to": iso(end), "q": incident.ip or "", **keys}


def _explained(view: View, incident: Incident) -> dict[str, Any]:
    """The same while the incident is, and while it is open, while there is no newer minute."""
    of = MINUTES.name if incident.status == "open" else ANOMALIES.name
    version = view.snapshot.need(of).version
    found: dict[str, Any] = view.chores.answer("explain", incident.incident_id, of=version)
    return found
