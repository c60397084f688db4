"""Pipeline: the queries, the batches by phase, rejects with reasons, and `verify`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.look.status import Status
from analytics.web.base.view import Page, View, Viewed
from analytics.web.lake.commands import Result
from analytics.web.lake.lake import Snapshot
from analytics.web.lake.monitor import StatusCache
from analytics.web.lake.table_state import TableState
from analytics.web.pipeline.batches import Batch, batches
from lakehouse.tables.catalog import QUARANTINE, TABLES

A_PAGE = 20
# A payload may be a megabyte; its beginning is enough.
MOST_CHARS = 2000


@dataclass(frozen=True)
class Reason:
    """A reason to reject records: how many, and when last."""

    reason: str
    rows: int
    newest: datetime


@dataclass(frozen=True)
class Reject:
    """One rejected record: the beginning of its payload, and where it came from."""

    reason: str
    detail: str
    payload: str | None
    payload_encoding: str | None
    payload_length: int | None
    payload_sha256: str | None
    _topic: str
    _partition: int
    _offset: int
    _kafka_timestamp: datetime


def reasons(snapshot: Snapshot, table: TableState) -> list[Reason]:
    """Returns all reasons, the most frequent first."""
    found = snapshot.ask(
        "SELECT reason, count(*) AS rows, max(_kafka_timestamp) AS newest FROM quarantine "
        "GROUP BY reason ORDER BY rows DESC, reason",
        quarantine=table.files,
    )
    return [Reason(**row) for row in found]


def rejects(snapshot: Snapshot, table: TableState, reason: str, skip: int) -> list[Reject]:
    """Returns the newest rejects, of one reason if given; one more than a page if possible."""
    names = (field.name for field in fields(Reject))
    payload = f"substr(payload, 1, {MOST_CHARS}) AS payload"
    columns = ", ".join(payload if name == "payload" else name for name in names)
    found = snapshot.ask(
        f"SELECT {columns} FROM quarantine WHERE $1 = '' OR reason = $1 "
        f"ORDER BY _kafka_timestamp DESC, _partition, _offset DESC LIMIT {A_PAGE + 1} OFFSET $2",
        [reason, skip],
        quarantine=table.files,
    )
    return [Reject(**row) for row in found]


router = APIRouter()
PAGE = Page("pipeline", "Pipeline", "/pipeline", router, order=6)
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
    """The status of the lake now, and its newest batches."""

    status: Status
    batches: list[Batch]


@dataclass(frozen=True)
class Rejects:
    """Rejected records at a moment."""

    reasons: list[Reason]
    rejects: list[Reject]
    has_more: bool


@dataclass(frozen=True)
class Verification:
    """The newest answer of `logpond verify`, and when it was asked for; nothing if it never was."""

    at: datetime | None = None
    verdict: dict[str, Any] | None = None
    error: str = ""
    is_running: bool = False


@router.get("/pipeline", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, reason: Fault = "", skip: Skip = 0) -> Response:
    """The page; `part=verdict` verifies, which takes a while."""
    if not any(view.lake.newest(name) for name in TABLES):
        return view.render_empty(PAGE)
    verifies = view.request.query_params.get("part") == "verdict"
    done = batches(view.lake.places)
    found = _rejects(view, reason, skip)
    return view.render(
        PAGE,
        now=_status(view),
        batches=done,
        chart=chart(done),
        listed=done[: -LISTED - 1 : -1],
        found=found,
        reason=reason,
        faults=FAULTS,
        verification=_verify(view) if verifies else _verification(view),
        earlier=view.link(skip=str(skip + A_PAGE)) if found and found.has_more else "",
        later=view.link(skip=str(max(0, skip - A_PAGE))) if skip else "",
    )


@router.get("/api/pipeline", tags=["pipeline"])
def api(view: Viewed) -> Pipeline:
    """Queries and tables as in `logpond status`, and the newest batches of ingest."""
    return Pipeline(_status(view), batches(view.lake.places))


@router.get("/api/quarantine", tags=["pipeline"])
def api_quarantine(view: Viewed, reason: Fault = "", skip: Skip = 0) -> Rejects:
    """Rejected records by reason, and the newest ones; twenty at a time."""
    view.snapshot.need(QUARANTINE.name)
    return _rejects(view, reason, skip) or Rejects([], [], has_more=False)


@router.get("/api/verify", tags=["pipeline"])
def api_verification(view: Viewed) -> Verification:
    """The result of the last verification."""
    return _verification(view)


@router.post("/api/verify", tags=["pipeline"])
def api_verify(view: Viewed) -> Verification:
    """Verify now: count every record and every closed window."""
    return _verify(view)


def chart(done: list[Batch]) -> dict[str, Any]:
    """Returns the seconds of each batch as bars, with the phases stacked."""
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
    """Returns the seconds from the begin of a batch to the end of a phase."""
    names = ("decode", "commit", "finish")
    upto = names[: names.index(phase) + 1]
    return round(sum(getattr(one, name) or 0.0 for name in upto), 3)


def _rejects(view: View, reason: str, skip: int) -> Rejects | None:
    table = view.snapshot.table(QUARANTINE.name)
    if table is None:
        return None
    rows = rejects(view.snapshot, table, reason, skip)
    return Rejects(reasons(view.snapshot, table), rows[:A_PAGE], len(rows) > A_PAGE)


def _verification(view: View) -> Verification:
    known = view.commands.known(VERIFY)
    if known is None or not known.done():
        return Verification(is_running=known is not None)
    return _as_verification(known.result())


def _verify(view: View) -> Verification:
    return _as_verification(view.commands.run(VERIFY, refresh=True))


def _as_verification(result: Result) -> Verification:
    return Verification(result.at, result.answer, result.error)


def _status(view: View) -> Status:
    cache: StatusCache = view.request.app.state.status
    return cache.status()
