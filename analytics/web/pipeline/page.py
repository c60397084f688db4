"""Pipeline: the queries, the batches by phase, what was rejected and why, the promise verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, Response

from analytics.look.status import Status
from analytics.web.base.page import Page, View, Viewed
from analytics.web.lake.commands import Said
from analytics.web.pipeline import batches, quarantine
from analytics.web.pipeline.batches import Batch
from analytics.web.pipeline.quarantine import A_PAGE, Reason, Reject
from analytics.web.pipeline.watch import Watch
from lakehouse.tables.catalog import QUARANTINE, TABLES

router = APIRouter()
PAGE = Page("pipeline", "Pipeline", "/pipeline", router)
VERIFY = "verify"
LISTED = 8
FAULTS = ("gaps", "duplicates", "unexpected", "misplaced", "windows_wrong")
# What each bar of the chart reaches up to; one stands before the other.
PHASES = (
    ("finish", "until noted as done", "muted"),
    ("commit", "until committed", "warn"),
    ("decode", "until decoded", "accent"),
)
Fault = Annotated[str, Query(max_length=50, description="Only of this reason.")]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]


@dataclass(frozen=True)
class Pipeline:
    """How it runs now."""

    status: Status
    batches: list[Batch]


@dataclass(frozen=True)
class Rejects:
    """What was rejected, at the moment that is asked for."""

    reasons: list[Reason]
    rejects: list[Reject]
    has_more: bool


@dataclass(frozen=True)
class Proof:
    """What `logpond verify` said, and when it was asked; nothing where it never was."""

    at: datetime | None = None
    verdict: dict[str, Any] | None = None
    error: str = ""
    is_running: bool = False


@router.get("/pipeline", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, reason: Fault = "", skip: Skip = 0) -> Response:
    """The page; `part=verdict` verifies, which takes a while."""
    if not any(view.lake.newest(name) for name in TABLES):
        return view.empty(PAGE)
    verifies = view.request.query_params.get("part") == "verdict"
    done = batches.batches(view.lake.places)
    found = _rejects(view, reason, skip)
    return view.page(
        PAGE,
        "pipeline.html",
        now=_watch(view).status(),
        batches=done,
        chart=chart(done),
        listed=done[: -LISTED - 1 : -1],
        found=found,
        reason=reason,
        faults=FAULTS,
        proof=_verified(view) if verifies else _proof(view),
        earlier=view.link(skip=str(skip + A_PAGE)) if found and found.has_more else "",
        later=view.link(skip=str(max(0, skip - A_PAGE))) if skip else "",
    )


@router.get("/api/pipeline", tags=["pipeline"])
def api(view: Viewed) -> Pipeline:
    """Queries and tables as `logpond status` tells them, and the newest batches of ingest."""
    return Pipeline(_watch(view).status(), batches.batches(view.lake.places))


@router.get("/api/quarantine", tags=["pipeline"])
def api_quarantine(view: Viewed, reason: Fault = "", skip: Skip = 0) -> Rejects:
    """Rejected records by reason, and the newest ones; twenty at a time."""
    view.snapshot.need(QUARANTINE.name)
    return _rejects(view, reason, skip) or Rejects([], [], has_more=False)


@router.get("/api/verify", tags=["pipeline"])
def api_proof(view: Viewed) -> Proof:
    """What the last verification said."""
    return _proof(view)


@router.post("/api/verify", tags=["pipeline"])
def api_verify(view: Viewed) -> Proof:
    """Verify now: every record and every closed window is counted."""
    return _verified(view)


def chart(done: list[Batch]) -> dict[str, Any]:
    """Seconds of each batch as bars: the phases one on the other."""
    known = [one for one in done if one.began and one.decode is not None]
    return {
        "x": [int(one.began.timestamp()) for one in known if one.began],
        "series": [
            {
                "label": label,
                "color": color,
                "bars": True,
                "values": [_up_to(one, phase) for one in known],
            }
            for phase, label, color in PHASES
        ],
    }


def _up_to(one: Batch, phase: str) -> float:
    """The seconds from the begin to the end of a phase."""
    names = ("decode", "commit", "finish")
    upto = names[: names.index(phase) + 1]
    return round(sum(getattr(one, name) or 0.0 for name in upto), 3)


def _rejects(view: View, reason: str, skip: int) -> Rejects | None:
    table = view.snapshot.table(QUARANTINE.name)
    if table is None:
        return None
    rows = quarantine.rejects(view.snapshot, table, reason, skip)
    return Rejects(quarantine.reasons(view.snapshot, table), rows[:A_PAGE], len(rows) > A_PAGE)


def _proof(view: View) -> Proof:
    known = view.chores.known(VERIFY)
    if known is None or not known.done():
        return Proof(is_running=known is not None)
    return _told(known.result())


def _verified(view: View) -> Proof:
    # another site's page may have it fetched, and must not keep this machine busy
    if view.request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise HTTPException(HTTPStatus.FORBIDDEN, "another site asked for this")
    return _told(view.chores.ask(VERIFY, anew=True).result())


def _told(said: Said) -> Proof:
    return Proof(said.at, said.answer, said.error)


def _watch(view: View) -> Watch:
    found: Watch = view.request.app.state.watch
    return found
