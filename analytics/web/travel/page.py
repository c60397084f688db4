"""Time travel: versions of a table, the lake as it was at one, the difference of two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from analytics.look.operations import Operations
from analytics.web.base.view import Page, View, Viewed
from analytics.web.lake.table_state import Commit, TableState
from analytics.web.travel.tags import Form, Named, Wanted, give, tags_of, take_away
from lakehouse import past
from lakehouse.errors import TableError
from lakehouse.query import pinned
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.tables.tag import NOTE_MOST

router = APIRouter()
PAGE = Page("travel", "Time travel", "/travel", router, order=4)
LISTED, NEWER = 40, 12
Name = Annotated[str, Query(max_length=100, description="A table.")]
Number = Annotated[
    str, Query(max_length=64, description="A version of the table: a number, or a name of one.")
]
Version = Annotated[str, Path(max_length=64)]
Most = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class Reach:
    """The range of versions of a table that can be read."""

    table: str
    oldest: int
    newest: int


@dataclass(frozen=True)
class TableVersion:
    """A table at a version: its size, its commit, and the `as_of` of pages that show it.

    `source` says what it is read from: Delta's own version, or the rows of now by the ledger.
    """

    table: str
    version: int
    rows: int
    files: int
    bytes: int
    commit: Commit | None
    as_of: str
    source: str


@router.get("/travel", response_class=HTMLResponse, include_in_schema=False)
def page(
    view: Viewed, table: Name = LOGS.name, version: Number = "", against: Number = ""
) -> Response:
    """The page; `against` is a version to compare with, which `part=difference` does."""
    if view.lake.newest(LOGS.name) is None:
        return view.render_empty(PAGE)
    reach = _reach(view, table)
    now = _number(view, table, version, "version") if version else _current(view, table, reach)
    other = _number(view, table, against, "against") if against else None
    wants_difference = view.request.query_params.get("part") == "difference"
    return view.render(
        PAGE,
        reach=reach,
        at=_table_version(view, table, now),
        against=other,
        commits=_commits(view, reach, min(now + NEWER, reach.newest), LISTED),
        tags=tags_of(view, table),
        note_most=NOTE_MOST,
        tables=[name for name in TABLES if view.lake.newest(name)],
        step=LISTED - 1,
        difference=_difference(view, table, now, other)
        if wants_difference and other is not None
        else None,
    )


@router.get("/api/versions/{table}", tags=["time travel"])
def api(view: Viewed, table: str, newest: Number = "", limit: Most = 100) -> list[Commit]:
    """The commits of a table, the newest first, from version `newest` down."""
    reach = _reach(view, table)
    first = _number(view, table, newest, "newest") if newest else reach.newest
    return _commits(view, reach, first, limit)


@router.get("/api/versions/{table}/{version}", tags=["time travel"])
def api_of_one(view: Viewed, table: str, version: Version) -> TableVersion:
    """The size of a table at a version, and the commit that made it."""
    _reach(view, table)
    return _table_version(view, table, _number(view, table, version, "version"))


@router.get("/api/diff/{table}", tags=["time travel"])
def api_diff(
    view: Viewed,
    table: str,
    before: Number,
    after: Number,
) -> dict[str, Any]:
    """The answer of `logpond diff`: rows and files added and removed, by partition; windows."""
    _reach(view, table)
    numbers = [_number(view, table, text, "version") for text in (before, after)]
    return _difference(view, table, *numbers)


@router.get("/api/tags/{table}", tags=["time travel"])
def api_tags(view: Viewed, table: str) -> list[Named]:
    """The names that versions of a table have, the newest version first."""
    _reach(view, table)
    return tags_of(view, table)


@router.post("/api/tags/{table}", tags=["time travel"])
def api_tag(view: Viewed, table: str, wanted: Wanted) -> Named:
    """Give a version a name, which keeps it readable; a token needs the scope `write`."""
    _reach(view, table)
    return give(view, table, wanted)


@router.delete("/api/tags/{table}/{name}", tags=["time travel"])
def api_untag(view: Viewed, table: str, name: str) -> Named:
    """Take a name away: what only its version needs may be deleted then."""
    _reach(view, table)
    return take_away(view, table, name)


@router.post("/travel/tags", include_in_schema=False)
def post_form(view: Viewed, wanted: Form) -> Response:
    """Gives a version a name or takes one away, and leads back to the page of that version."""
    table = wanted.table
    _reach(view, table)
    done = take_away(view, table, wanted.name) if wanted.away else give(view, table, wanted)
    there = view.to("/travel", table=table, version=None if wanted.away else str(done.version))
    return RedirectResponse(f"{there}#names", HTTPStatus.SEE_OTHER)


def _reach(view: View, table: str) -> Reach:
    state = view.lake.newest(table) if table in TABLES else None
    if state is None:
        raise TableError(
            f"there is no table {table[:40]} in {view.lake.places.lake}",
            f"choose one of {', '.join(TABLES)}",
        )
    kept = max(Log(view.lake.places, table).oldest(), state.oldest_kept)
    return Reach(table, past.oldest(view.lake.places, table, kept), state.version)


def _number(view: View, table: str, text: str, given_as: str) -> int:
    return pinned.version_of(view.lake.places, table, text, given_as)


def _current(view: View, table: str, reach: Reach) -> int:
    """Returns the version at the moment of the request."""
    state = view.snapshot.table(table)
    return state.version if state else reach.oldest


def _table_version(view: View, table: str, version: int) -> TableVersion:
    state = TableState.at(view.lake.places, table, version=version)
    commit = next(iter(view.lake.commits.of(table, [version])), None) or _noted(view, state)
    named = next((one.time for one in tags_of(view, table) if one.version == version), None)
    as_of = str(version) if table == LOGS.name else _just_at(view, state, named)
    rows, files = state.rows, state.files.adds.num_rows
    return TableVersion(table, version, rows, files, state.bytes, commit, as_of, state.source)


def _noted(view: View, state: TableState) -> Commit | None:
    """Returns the commit of a version as the ledger has it."""
    one = past.commit_of(view.lake.places, state.name, state.version)
    if one is None or state.committed is None:
        return None
    what = Operations(view.lake.places).noted(one)
    return Commit(
        version=state.version,
        time=state.committed,
        what=what,
        operation=one.operation,
        writer=one.writer,
        rows=one.rows,
        newest=None,
    )


def _just_at(view: View, state: TableState, named: datetime | None) -> str:
    """Returns the time of a commit with microseconds: a second may have several commits.

    That of a version which the log knows no more by its neighbours is noted with its name, or in
    the ledger.
    """
    at = named or (state.is_past and state.committed)
    at = at or Log(view.lake.places, state.name).time(state.version)
    return at.isoformat().replace("+00:00", "Z")


def _commits(view: View, reach: Reach, newest: int, limit: int) -> list[Commit]:
    oldest = Log(view.lake.places, reach.table).oldest()
    versions = range(min(newest, reach.newest), max(oldest, newest - limit + 1) - 1, -1)
    return [*view.lake.commits.of(reach.table, versions)]


def _difference(view: View, table: str, before: int, after: int) -> dict[str, Any]:
    words = (str(version) for version in sorted((before, after)))
    found: dict[str, Any] = view.commands.answer("diff", table, *words)
    return found
