"""Explore: which rows there are, how they are spread, and each with all its fields."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from analytics.web.base.live import following
from analytics.web.base.page import Page, View, Viewed
from analytics.web.base.templates import TEMPLATES
from analytics.web.explore import figures, tail
from analytics.web.explore.figures import Found, Part, Row
from analytics.web.explore.filters import ALL, Chosen, Cursor, span
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal.render import plain

router = APIRouter()
PAGE = Page("explore", "Explore", "/explore", router)
SPANS = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", ALL: "all"}
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
CSV_ROWS, CSV_PAGE = 100_000, 5000
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Text = Annotated[str, Query(max_length=200)]
Texts = Annotated[
    list[Annotated[str, Query(max_length=200)]], Query(max_length=50, default_factory=list)
]


@dataclass(frozen=True)
class Asked:
    """The parameters of a view, as they were given."""

    values: dict[str, list[str]]
    text: str
    last: str
    since: str
    until: str
    before: str

    def chosen(self, view: View) -> Chosen:
        """What they choose, at the moment of the view."""
        logs, snapshot = view.snapshot.need(LOGS.name), view.snapshot
        oldest, newest = logs.oldest("timestamp"), logs.newest("timestamp")
        times = span(self.last, self.since, self.until, oldest, newest, snapshot.now)
        return Chosen(*times, self.values, self.text)

    def live(self) -> Chosen:
        """The same of any time."""
        return Chosen(*EVER, self.values, self.text)

    @property
    def cursor(self) -> Cursor | None:
        """Where the page of rows begins."""
        return Cursor.read(self.before) if self.before else None


@dataclass(frozen=True)
class Explored:
    """All of Explore: what was looked through, how it is spread, a page of rows."""

    first: datetime
    end: datetime
    version: int
    found: Found
    part: Part


def asked(
    service: Texts,
    endpoint: Texts,
    status: Texts,
    level: Texts,
    bot: Texts,
    q: Text = "",
    last: Text = "15m",
    to: Text = "",
    before: Text = "",
    since: Annotated[str, Query(alias="from", max_length=64)] = "",
) -> Asked:
    """The parameters of a request."""
    given = {"service": service, "endpoint": endpoint, "status": status, "level": level, "bot": bot}
    values = {name: [value for value in listed if value] for name, listed in given.items()}
    return Asked(values, q.strip(), last or "15m", since.strip(), to.strip(), before)


Asking = Annotated[Asked, Depends(asked)]


@router.get("/explore", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, asking: Asking) -> Response:
    """The page."""
    logs = view.snapshot.table(LOGS.name)
    if logs is None or not logs.rows:
        return view.empty(PAGE)
    shown = _explored(view, asking)
    is_tail = bool(view.request.query_params.get("tail")) and view.snapshot.is_live
    return view.page(
        PAGE,
        "explore.html",
        shown=shown,
        asked=asking,
        spans=SPANS,
        is_tail=is_tail,
        stopped=_stopped(view, logs.newest("timestamp")),
    )


@router.get("/api/explore", tags=["explore"])
def api(view: Viewed, asking: Asking) -> Explored:
    """A histogram, facets and a page of rows; `before` takes `part.next` for the page after it."""
    return _explored(view, asking)


@router.get("/explore.csv", response_class=StreamingResponse, include_in_schema=False)
def as_csv(view: Viewed, asking: Asking) -> StreamingResponse:
    """The newest rows of a view as CSV."""
    chosen = asking.chosen(view)
    pages = figures.parts(view.snapshot, chosen, CSV_ROWS, CSV_PAGE)
    name = f"logs-{chosen.first:%Y%m%dT%H%M%S}-{chosen.end:%Y%m%dT%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_csv(pages), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/explore/tail",
    response_class=EventSourceResponse,
    include_in_schema=False,
    dependencies=[Depends(following)],
)
async def live(
    view: Viewed, asking: Asking, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """Rows as they come."""

    def drawn(rows: list[Row]) -> str:
        return TEMPLATES.get_template("rows.html").render(view=view, rows=rows)

    async for event in tail.tail(view.lake, asking.live(), last_event_id, drawn):
        yield event


def _explored(view: View, asking: Asked) -> Explored:
    chosen = asking.chosen(view)
    spread = figures.found(view.snapshot, chosen)
    rows = figures.part(view.snapshot, chosen, spread, asking.cursor)
    version = view.snapshot.need(LOGS.name).version
    return Explored(chosen.first, chosen.end, version, spread, rows)


def _stopped(view: View, newest: datetime) -> datetime | None:
    """The newest event, where it is so old that ranges count back from it and not from now."""
    is_old = view.snapshot.is_live and view.snapshot.now - newest > timedelta(minutes=5)
    return newest if is_old else None


def _csv(pages: Iterator[list[Row]]) -> Iterator[str]:
    for number, rows in enumerate(pages):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        if not number:
            writer.writerow(LOGS.columns.names)
        writer.writerows([[_cell(row.get(name)) for name in LOGS.columns.names] for row in rows])
        yield out.getvalue()


def _cell(value: Any) -> str:
    text = plain(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text
