"""Time travel: versions of a table, the lake as it was at one, the difference of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.view import Page, View, Viewed
from analytics.web.lake.table_state import Commit, TableState
from lakehouse.errors import TableError
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES

router = APIRouter()
PAGE = Page("travel", "Time travel", "/travel", router, order=4)
LISTED, NEWER = 40, 12
Name = Annotated[str, Query(max_length=100, description="A table.")]
Number = Annotated[int | None, Query(ge=0, lt=10**15, description="A version of the table.")]
Version = Annotated[int, Path(ge=0, lt=10**15)]
Most = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class Reach:
    """The range of versions of a table that can be read."""

    table: str
    oldest: int
    newest: int


@dataclass(frozen=True)
class TableVersion:
    """A table at a version: its size, its commit, and the `as_of` of pages that show it."""

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
    """The page; `against` is a version to compare with, which `part=difference` does."""
    if view.lake.newest(LOGS.name) is None:
        return view.render_empty(PAGE)
    reach = _reach(view, table)
    now = version if version is not None else _current(view, table, reach)
    wants_difference = view.request.query_params.get("part") == "difference"
    return view.render(
        PAGE,
        reach=reach,
        at=_table_version(view, table, now),
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
def api_of_one(view: Viewed, table: str, version: Version) -> TableVersion:
    """The size of a table at a version, and the commit that made it."""
    _reach(view, table)
    return _table_version(view, table, version)


@router.get("/api/diff/{table}", tags=["time travel"])
def api_diff(
    view: Viewed,
    table: str,
    before: Annotated[int, Query(ge=0, lt=10**15)],
    after: Annotated[int, Query(ge=0, lt=10**15)],
) -> dict[str, Any]:
    """The answer of `logpond diff`: rows and files added and removed, by partition; windows."""
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


def _current(view: View, table: str, reach: Reach) -> int:
    """Returns the version at the moment of the request."""
    state = view.snapshot.table(table)
    return state.version if state else reach.oldest


def _table_version(view: View, table: str, version: int) -> TableVersion:
    state = TableState.at(view.lake.places, table, version=version)
    commit = next(iter(view.lake.commits.of(table, [version])), None)
    as_of = str(version) if table == LOGS.name else _just_at(view, table, version)
    rows, files = state.rows, state.files.adds.num_rows
    return TableVersion(table, version, rows, files, state.bytes, commit, as_of)


def _just_at(view: View, table: str, version: int) -> str:
    """Returns the time of a commit with microseconds: a second may have several commits."""
    at = Log(view.lake.places, table).time(version)
    return at.isoformat().replace("+00:00", "Z")


def _commits(view: View, reach: Reach, newest: int, limit: int) -> list[Commit]:
    oldest = Log(view.lake.places, reach.table).oldest()
    versions = range(min(newest, reach.newest), max(oldest, newest - limit + 1) - 1, -1)
    return [*view.lake.commits.of(reach.table, versions)]


def _difference(view: View, table: str, before: int, after: int) -> dict[str, Any]:
    words = (str(version) for version in sorted((before, after)))
    found: dict[str, Any] = view.commands.answer("diff", table, *words)
    return found
