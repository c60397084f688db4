"""Boards: kept questions and reports laid out on one page; each panel is asked by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from msgspec.structs import replace

from analytics.web.base.form import Fields
from analytics.web.base.view import Page, View, Viewed
from analytics.web.boards import board as boards_of
from analytics.web.boards.board import OVERVIEW, REFRESH, SHOWN_AS, WIDTHS, Board, Panel
from analytics.web.boards.boards import REPORTED, Boards, ChangedError, Kept
from analytics.web.boards.panels import answer_of, statement_of
from analytics.web.explore.parameters import SPANS
from analytics.web.sql.kept import KeptQuestions
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.tables.catalog import LOGS

router = APIRouter()
PAGE = Page("boards", "Boards", "/boards", router, order=3)
Text = Annotated[str, Query(max_length=64)]
Since = Annotated[str, Query(alias="from", max_length=64)]
T = TypeVar("T")
Edit = Callable[[Board, Mapping[str, str]], Board]


@router.get("/boards", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed) -> Response:
    """All boards, and how to begin one."""
    if view.snapshot.table(LOGS.name) is None:
        return view.render_empty(PAGE)
    return view.render(PAGE, boards=Boards(view.lake.places).all())


@router.post("/boards", include_in_schema=False)
def begin(view: Viewed, given: Fields) -> Response:
    """Begins a board, empty or as an overview; or puts a question on one that there is."""
    boards, name = Boards(view.lake.places), given.get("name", "").strip()
    if given.get("do") == "add":
        boards.change(name, lambda board: _add(board, given))
        return _to(f"/boards/{name}")
    if given.get("do") == "overview":
        boards.create("overview", OVERVIEW)
        return _to("/boards/overview")
    boards.create(name, Board(given.get("title", "").strip()[:80] or name))
    return _to(f"/boards/{name}?edit=1")


@router.get("/boards/{name}", response_class=HTMLResponse, include_in_schema=False)
def one(
    view: Viewed,
    name: str,
    last: Text = "",
    since: Since = "",
    to: Text = "",
    refresh: Text = "",
    edit: Text = "",
    part: Text = "",
    panel: Text = "",
    version: Text = "",
) -> Response:
    """A board; with `part=panel` the answer of one of its panels alone."""
    if view.snapshot.table(LOGS.name) is None:
        return view.render_empty(PAGE)
    kept = Boards(view.lake.places).get(name)
    last = last or (kept.board.last if kept.board else "")
    if part == "panel":
        found = answer_of(view, _panel(kept, panel, version), last, since, to)
        answer = view.render(PAGE, "board.html", one=found)
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS if found.is_later else HTTPStatus.OK
        return answer
    seconds = refresh or str(kept.board.refresh if kept.board else 0)
    times = {"last": last, "since": since, "until": to}
    return _board(view, kept, bool(edit) and view.may_write, times, seconds)


@router.post("/boards/{name}", include_in_schema=False)
def change(view: Viewed, name: str, given: Fields) -> Response:
    """Changes a board, or deletes it. What does not fit is said above the board as it is now."""
    boards, what = Boards(view.lake.places), given.get("do", "")
    if what == "delete":
        boards.delete(name)
        return _to("/boards")
    if what not in EDITS:
        raise SettingsError(f"a board has no {what[:20]!r}", f"one of {', '.join(EDITS)}")
    try:
        boards.change(name, lambda board: EDITS[what](board, given), given.get("version", ""))
    except SettingsError as error:
        kept = boards.get(name)
        answer = _board(view, kept, view.may_write, fault=error)
        is_conflict = isinstance(error, ChangedError)
        answer.status_code = HTTPStatus.CONFLICT if is_conflict else HTTPStatus.BAD_REQUEST
        return answer
    return _to(f"/boards/{name}?edit=1")


@router.get("/boards/{name}/file", include_in_schema=False)
def file(view: Viewed, name: str) -> Response:
    """The file of a board, as it lies in the lake."""
    kept = Boards(view.lake.places).get(name)
    if kept.fault and not kept.content:
        raise kept.fault
    headers = {"Content-Disposition": f'attachment; filename="{kept.name}.json"'}
    return Response(kept.content, headers=headers, media_type="application/json")


@router.get("/api/boards", tags=["boards"])
def api_boards(view: Viewed) -> list[dict[str, Any]]:
    """The boards by name: each with its version, and as its file has it, or why it cannot be."""
    return [_plain(kept) for kept in Boards(view.lake.places).all()]


@router.get("/api/boards/{name}", tags=["boards"])
def api_board(view: Viewed, name: str) -> dict[str, Any]:
    """A board with its version, as its file has it, or why it cannot be shown."""
    return _plain(Boards(view.lake.places).get(name))


def _plain(kept: Kept) -> dict[str, Any]:
    board = None if kept.board is None else msgspec.to_builtins(kept.board)
    fault = str(kept.fault) if kept.fault else None
    return {"name": kept.name, "version": kept.version, "board": board, "error": fault}


def _board(
    view: View,
    kept: Kept,
    is_edited: bool,
    times: Mapping[str, str] | None = None,
    refresh: str = "0",
    fault: LogpondError | None = None,
) -> HTMLResponse:
    """Renders a board without its answers, which are fetched one by one."""
    panels = kept.board.panels if kept.board else []
    return view.render(
        PAGE,
        "board.html",
        kept=kept,
        board=kept.board,
        panels=[(panel, _statement(view, panel)) for panel in panels],
        times=times or {"last": kept.board.last if kept.board else "", "since": "", "until": ""},
        refresh=int(refresh) if refresh.isdecimal() and int(refresh) in REFRESH else 0,
        is_edited=is_edited,
        fault=fault or kept.fault,
        spans=SPANS,
        refreshes=REFRESH,
        shapes=SHOWN_AS,
        widths=WIDTHS,
        sources=_sources(view) if is_edited else [],
    )


def _statement(view: View, panel: Panel) -> str:
    try:
        return statement_of(view, panel)
    except TableError:
        return ""


def _sources(view: View) -> list[tuple[str, str]]:
    """Returns what a panel may ask, as forms name it, with its title."""
    kept = [(f"question:{one.name}", one.name) for one in KeptQuestions(view.lake.places).all()]
    reports = [(f"report:{one.name}", one.title) for one in REPORTED.values()]
    return [*kept, *reports]


def _panel(kept: Kept, number: str, version: str) -> Panel:
    """Returns a panel of a board by its number, unless it may be another one by now."""
    panels = kept.board.panels if kept.board else []
    if version and version != kept.version:
        raise HTTPException(HTTPStatus.CONFLICT, "this board was changed: load the page again")
    return panels[_index(panels, number)]


def _index(panels: list[Panel], number: str) -> int:
    at = int(number) if number.isdecimal() and len(number) < 4 else 0
    if not 1 <= at <= len(panels):
        raise TableError(f"there is no panel {number[:10]!r}", f"the board has {len(panels)}")
    return at - 1


def _of_form(given: Mapping[str, str]) -> Panel:
    """Returns the panel that a form describes; what it must not be `parsed` refuses."""
    kind, _, name = given.get("source", "").partition(":")
    columns = [name.strip() for name in given.get("y", "").split(",")]
    described = {
        "report" if kind == "report" else "question": name,
        "title": given.get("title", "").strip(),
        "show": given.get("show", "table"),
        "width": given.get("width", "half"),
        "x": given.get("x", "").strip(),
        "y": [name for name in columns if name],
    }
    return _converted(described, Panel)


def _converted(described: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(described, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"this does not fit: {error}", "nothing was changed") from None


def _add(board: Board, given: Mapping[str, str]) -> Board:
    return boards_of.added(board, _of_form(given))


def _change(board: Board, given: Mapping[str, str]) -> Board:
    at = _index(board.panels, given.get("panel", ""))
    return boards_of.changed(board, at, _of_form(given))


def _remove(board: Board, given: Mapping[str, str]) -> Board:
    return boards_of.removed(board, _index(board.panels, given.get("panel", "")))


def _moved(by: int) -> Edit:
    def edit(board: Board, given: Mapping[str, str]) -> Board:
        return boards_of.moved(board, _index(board.panels, given.get("panel", "")), by)

    return edit


def _rename(board: Board, given: Mapping[str, str]) -> Board:
    refresh = given.get("refresh", "0")
    described = {
        "title": given.get("title", "").strip(),
        "last": given.get("last", "").strip() or board.last,
        "refresh": int(refresh) if refresh.isdecimal() and len(refresh) < 6 else 0,
    }
    found = _converted(described, Board)
    if fault := boards_of.flaw(found, REPORTED):
        raise fault
    return replace(found, panels=board.panels)


EDITS: dict[str, Edit] = {
    "add": _add,
    "change": _change,
    "remove": _remove,
    "up": _moved(-1),
    "down": _moved(1),
    "board": _rename,
}


def _to(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
