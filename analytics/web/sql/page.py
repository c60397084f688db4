"""SQL: statements that read, with their answer as a table, a chart or a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

import duckdb
import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from analytics.reports import REPORTS
from analytics.web.base.form import Fields
from analytics.web.base.view import Page, View, Viewed
from analytics.web.boards.board import SHOWN_AS
from analytics.web.boards.boards import Boards
from analytics.web.explore.parameters import SPANS
from analytics.web.sql.answers import LAST, Asked, Found, asked, found
from analytics.web.sql.files import KINDS, pieces
from analytics.web.sql.kept import LONGEST_STATEMENT, Kept, KeptQuestions
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.tables.catalog import TABLES

router = APIRouter()
PAGE = Page("sql", "SQL", "/sql", router, order=2)
EXAMPLE = (
    "SELECT service, count(*) AS requests\nFROM logs\nGROUP BY service\nORDER BY requests DESC"
)
Statement = Annotated[str, Query(max_length=LONGEST_STATEMENT)]
Last = Annotated[str, Query(max_length=64)]


@router.get("/sql", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, q: Statement = "", last: Last = LAST) -> Response:
    """The box, with the statement of a link in it; it is asked when somebody says so."""
    if not _tables(view):
        return view.render_empty(PAGE)
    return _page(view, q or EXAMPLE, last)


@router.post("/sql", response_class=HTMLResponse, include_in_schema=False)
def answered(view: Viewed, given: Fields) -> Response:
    """The page with the answer; with `?part=answer` the answer alone."""
    statement = given.get("q", "")
    try:
        return _page(view, statement, given.get("last", LAST), found(view, _asked(view, given)))
    except LogpondError as error:
        answer = _page(view, statement, given.get("last", LAST), fault=error)
        answer.status_code = HTTPStatus.BAD_REQUEST
        return answer


@router.post("/api/sql", tags=["sql"])
def api(view: Viewed, given: Asked) -> Found:
    """The answer to one statement that reads: its columns, at most 1,000 rows and 4 MB."""
    return found(view, given)


@router.post("/sql/export", include_in_schema=False)
def export(view: Viewed, given: Fields) -> Response:
    """All rows of an answer as a file."""
    kind = given.get("kind", "csv")
    if kind not in KINDS:
        raise SettingsError(f"there is no format {kind[:20]}", f"one of {', '.join(KINDS)}")
    answer, _ = asked(view, _asked(view, given))
    name = f"logpond-{datetime.now(UTC):%Y%m%dT%H%M%S}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(answer.rows, kind), headers=headers, media_type=KINDS[kind])


@router.post("/sql/kept", include_in_schema=False)
def keep(view: Viewed, given: Fields) -> Response:
    """Keeps a statement under a name, or deletes the one that has it."""
    kept, name = KeptQuestions(view.lake.places), given.get("name", "").strip()
    if given.get("delete"):
        kept.delete(name)
        return RedirectResponse("/sql", HTTPStatus.SEE_OTHER)
    statement, now = given.get("q", ""), datetime.now(UTC).replace(microsecond=0)
    kept.keep(Kept(name, statement, view.who, now))
    return RedirectResponse(view.to("/sql", q=statement), HTTPStatus.SEE_OTHER)


@router.get("/api/sql/words", tags=["sql"])
def words(view: Viewed) -> dict[str, list[str]]:
    """What may stand in a statement: tables, the columns of each, functions."""
    tables = dict(_tables(view))
    return {**tables, "functions()": _functions()}


@router.get("/api/sql/kept", tags=["sql"])
def api_kept(view: Viewed) -> list[dict[str, Any]]:
    """The kept questions, by name."""
    return [msgspec.to_builtins(one) for one in KeptQuestions(view.lake.places).all()]


def _asked(view: View, given: Mapping[str, str]) -> Asked:
    """Returns what a form asks; what is too long for it ends earlier."""
    return Asked(
        statement=given.get("q", "")[:LONGEST_STATEMENT],
        as_of=given.get("as_of", view.as_of)[:64],
        last=given.get("last", LAST)[:64],
    )


def _page(
    view: View,
    statement: str,
    last: str,
    found: Found | None = None,
    fault: LogpondError | None = None,
) -> HTMLResponse:
    return view.render(
        PAGE,
        statement=statement,
        last=last,
        spans=SPANS,
        found=found,
        fault=fault,
        tables=_tables(view),
        catalog=TABLES,
        starts=[(one.title, one.statement()) for one in REPORTS.values()],
        kept=KeptQuestions(view.lake.places).all(),
        boards=Boards(view.lake.places).names(),
        shapes=SHOWN_AS,
        longest=LONGEST_STATEMENT,
        kinds=[*KINDS],
    )


def _tables(view: View) -> list[tuple[str, list[str]]]:
    """Returns each table that there is at this moment, with its columns."""
    states = ((name, view.snapshot.table(name)) for name in TABLES)
    return [(name, [*state.files.columns]) for name, state in states if state]


@cache
def _functions() -> list[str]:
    """Returns the names of DuckDB's functions that a person would write."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE regexp_full_match(function_name, '[a-z][a-z0-9_]*') ORDER BY 1"
        ).fetchall()
    return [name for (name,) in found if not name.startswith(("pragma_", "pg_", "duckdb_"))]
