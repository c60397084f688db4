"""Ingest: what to write into a collector, and whether its first event has come."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from analytics.web.base.live import changes
from analytics.web.base.view import Page, View, Viewed
from analytics.web.ingest import arrivals as newest
from analytics.web.ingest.arrivals import Arrivals
from analytics.web.ingest.collectors import COLLECTORS, SOURCE, Address, Target
from lakehouse.errors import SettingsError
from lakehouse.http import peer
from lakehouse.http.hosts import is_loopback
from lakehouse.settings import Gateway
from lakehouse.tables.catalog import LOGS, QUARANTINE

router = APIRouter()
PAGE = Page("ingest", "Ingest", "/ingest", router, order=8)
WATCHED = (LOGS.name, QUARANTINE.name)
FIRST, NAMED, KAFKA = "curl", "app", "kafka:9092"
Name = Annotated[str, Query(max_length=100, description="The name that its events come under.")]
Chosen = Annotated[str, Query(max_length=40, description="The collector.")]


@router.get("/ingest", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, source: Name = NAMED, collector: Chosen = FIRST) -> Response:
    """Renders the page; its part `arrivals` follows the lake."""
    gateway, found = _gateway(view), COLLECTORS.get(collector, COLLECTORS[FIRST])
    address = Address.of(gateway, view.request.headers.get("host", ""))
    lag = view.request.app.state.lag
    kafka = str(lag.connection) if lag else KAFKA
    target = Target(address, _named(source), kafka, gateway.topic)
    return view.render(
        PAGE,
        collectors=COLLECTORS.values(),
        chosen=found,
        texts=[(one, one.text(target)) for one in found.snippets],
        target=target,
        is_private=is_loopback(gateway.host),
        needs_none=peer.needs_no_token(
            gateway.host, gateway.token.get_secret_value(), gateway.hosts
        ),
        make_token=_make_token(source, view.lake.places.lake),
        arrivals=_arrivals(view, source),
    )


@router.get("/api/arrivals", tags=["ingest"])
def api(view: Viewed, source: Name = NAMED) -> Arrivals:
    """The newest events of a source or service, of the last 15 minutes, and why records failed."""
    return _arrivals(view, source)


@router.get("/ingest/live", response_class=EventSourceResponse, include_in_schema=False)
async def live(view: Viewed) -> AsyncIterator[ServerSentEvent]:
    """Send an event whenever there are newer rows, or rejected records."""
    async for event in changes(view.lake, WATCHED):
        yield event


def _arrivals(view: View, source: str) -> Arrivals:
    return newest.arrivals(view.lake, _named(source), _gateway(view).topic)


def _named(source: str) -> str:
    """Returns the name of a source. Raises SettingsError where the gateway would take none such."""
    if not SOURCE.fullmatch(source):
        raise SettingsError(
            "that is no name of a source",
            "take letters, digits, '.', '_' and '-', and begin with a letter or a digit",
        )
    return source


def _make_token(source: str, lake: str) -> str:
    return shlex.join(["logpond", "token", "create", source, "--scope", "ingest", "--lake", lake])


def _gateway(view: View) -> Gateway:
    found: Gateway = view.request.app.state.gateway
    return found
