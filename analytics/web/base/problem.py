"""Renders errors with their remedy: as a page, as JSON under /api, as text for programs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from analytics.web.base.guard import HEADERS
from analytics.web.base.view import TEMPLATES
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.http.asker import Busy
from lakehouse.http.bounds import BUSY, Refusal
from lakehouse.query.search import QueryFault

NOWHERE: Mapping[str, int | str] = {}
CODES: dict[type[Exception], HTTPStatus] = {
    SettingsError: HTTPStatus.BAD_REQUEST,
    QueryFault: HTTPStatus.BAD_REQUEST,
    TableError: HTTPStatus.NOT_FOUND,
}


async def problem(request: Request, error: Exception) -> Response:
    """The answer to a request at which something was raised; a page where it is not of /api."""
    place = NOWHERE
    if isinstance(error, QueryFault):
        place = {"parameter": error.given_as, "start": error.start, "end": error.end}
    return _answer(request.scope, _refusal(error), is_page=True, place=place)


def refuse(scope: Scope, refusal: Refusal) -> Response:
    """Returns the answer to a request that is refused: a page for browsers only."""
    return _answer(scope, refusal, "text/html" in Headers(scope=scope).get("accept", ""))


def _answer(
    scope: Scope, refusal: Refusal, is_page: bool, place: Mapping[str, int | str] = NOWHERE
) -> Response:
    """The answer as the path wants it; in JSON with the `place` of a fault within a query."""
    status, headers = int(refusal.status), {**HEADERS, **dict(refusal.headers)}
    what, remedy = refusal.what, refusal.remedy
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": what, "remedy": remedy, **place}, status, headers)
    if not is_page:
        return PlainTextResponse(f"{what}\n{remedy}".strip() + "\n", status, headers)
    values = {"pages": scope["app"].state.pages, "status": status, "what": what, "remedy": remedy}
    html = TEMPLATES.get_template("base/problem.html").render(values)
    return HTMLResponse(html, status, headers)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Busy):
        return BUSY
    if isinstance(error, LogpondError):
        known = (CODES[kind] for kind in type(error).__mro__ if kind in CODES)
        status = next(known, HTTPStatus.UNPROCESSABLE_ENTITY)
        return Refusal(status, error.what, error.remedy)
    if isinstance(error, HTTPException):
        remedy = "go back to where you came from, or Home"
        return Refusal(HTTPStatus(error.status_code), str(error.detail), remedy)
    if isinstance(error, RequestValidationError):
        faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
        return Refusal(HTTPStatus.BAD_REQUEST, "; ".join(faults)[:2000], "see /api")
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Refusal(status, "this page is broken", "the server's output says where")
