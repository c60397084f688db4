"""Time travel: the versions of a table, the lake as it was at one, what two of them differ in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.page import Page, View, Viewed
from analytics.web.lake.commits import Commit
from analytics.web.lake.table_state import State
from lakehouse.errors import TableError
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.terminal.html import iso

router = APIRouter()
PAGE = Page("travel", "Time travel", "/travel", router)
LISTED, NEWER = 40, 12
SECOND = timedelta(seconds=1)
Name = Annotated[str, Query(max_length=100, description="A table.")]
Number = Annotated[int | None, Query(ge=0, lt=10**15, description="A version of the table.")]
Most = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class Reach:
    """Which versions of a table can be read."""

    table: str
    oldest: int
    newest: int


@dataclass(frozen=True)
class Stop:
    """A table at a version: what it weighed, its commit, and `as_of` of a page that shows it."""

    table: str
    version: int
    rows: int
    files: int
    bytes: int
    commit: Commit | None
    as_of: str


@router.get("/travel", response_class=HTMLResponse, include_in_schema=False)
def page(
    view: Viewed, table: Name = LOGS.name, version: Number = None, against: Number = None
) -> Response:
    """The page; `against` is a version to compare with, of which `part=difference` tells."""
    if view.lake.newest(LOGS.name) is None:
        return view.empty(PAGE)
    reach = _reach(view, table)
    now = version if version is not None else _shown(view, table, reach)
    wants_difference = view.request.query_params.get("part") == "difference"
    return view.page(
        PAGE,
        "travel.html",
        reach=reach,
        stop=_stop(view, table, now),
        against=against,
        commits=_commits(view, reach, min(now + NEWER, reach.newest), LISTED),
        tables=[name for name in TABLES if view.lake.newest(name)],
        step=LISTED - 1,
        difference=_difference(view, table, now, against)
        if wants_difference and against is not None
        else None,
    )


@router.get("/api/versions/{table}", tags=["time travel"])
def api(view: Viewed, table: str, newest: Number = None, limit: Most = 100) -> list[Commit]:
    """The commits of a table, the newest first, from version `newest` down."""
    reach = _reach(view, table)
    return _commits(view, reach, reach.newest if newest is None else newest, limit)


@router.get("/api/versions/{table}/{version}", tags=["time travel"])
def api_of_one(view: Viewed, table: str, version: int) -> Stop:
    """What a table weighed at a version, and who wrote it."""
    _reach(view, table)
    return _stop(view, table, version)


@router.get("/api/diff/{table}", tags=["time travel"])
def api_diff(
    view: Viewed,
    table: str,
    before: Annotated[int, Query(ge=0)],
    after: Annotated[int, Query(ge=0)],
) -> dict[str, Any]:
    """What `logpond diff` says: rows and files added and removed, by partition; windows."""
    _reach(view, table)
    return _difference(view, table, before, after)


def _reach(view: View, table: str) -> Reach:
    state = view.lake.newest(table) if table in TABLES else None
    if state is None:
        raise TableError(
            f"there is no table {table[:40]} in {view.lake.places.lake}",
            f"choose one of {', '.join(TABLES)}",
        )
    oldest = max(Log(view.lake.places, table).oldest(), state.oldest_kept)
    return Reach(table, oldest, state.version)


def _shown(view: View, table: str, reach: Reach) -> int:
    """The version that the moment of the request shows."""
    state = view.snapshot.table(table)
    return state.version if state else reach.oldest


def _stop(view: View, table: str, version: int) -> Stop:
    state = State.at(view.lake.places, table, version=version)
    commit = next(iter(view.lake.commits.of(table, [version])), None)
    as_of = str(version) if table == LOGS.name else _just_after(state.committed)
    rows, files = state.rows, state.files.adds.num_rows
    return Stop(table, version, rows, files, state.bytes, commit, as_of)


def _just_after(at: datetime | None) -> str:
    """A whole second by which a commit was there."""
    return iso(at + SECOND) if at else ""


def _commits(view: View, reach: Reach, newest: int, limit: int) -> list[Commit]:
    oldest = Log(view.lake.places, reach.table).oldest()
    versions = range(min(newest, reach.newest), max(oldest, newest - limit + 1) - 1, -1)
    return [*view.lake.commits.of(reach.table, versions)]


def _difference(view: View, table: str, before: int, after: int) -> dict[str, Any]:
    words = (str(version) for version in sorted((before, after)))
    found: dict[str, Any] = view.chores.answer("diff", table, *words)
    return found
