"""Why there is no answer, and what to do: as a page, as JSON under /api, as text for programs."""

from __future__ import annotations

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

CODES: dict[type[Exception], HTTPStatus] = {
    SettingsError: HTTPStatus.BAD_REQUEST,
    TableError: HTTPStatus.NOT_FOUND,
}


async def problem(request: Request, error: Exception) -> Response:
    """The answer to a request at which something was raised; a page where it is not of /api."""
    return _answer(request.scope, _refusal(error), is_page=True)


def refuse(scope: Scope, refusal: Refusal) -> Response:
    """The answer to a request that is not let through: a page only for a browser."""
    return _answer(scope, refusal, "text/html" in Headers(scope=scope).get("accept", ""))


def _answer(scope: Scope, refusal: Refusal, is_page: bool) -> Response:
    status, headers = int(refusal.status), {**HEADERS, **dict(refusal.headers)}
    what, remedy = refusal.what, refusal.remedy
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": what, "remedy": remedy}, status, headers)
    if not is_page:
        return PlainTextResponse(f"{what}\n{remedy}".strip() + "\n", status, headers)
    values = {"pages": scope["app"].state.pages, "status": status, "what": what, "remedy": remedy}
    html = TEMPLATES.get_template("base/problem.html").render(values)
    return HTMLResponse(html, status, headers)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Busy):
        return BUSY
    if isinstance(error, LogpondError):
        status = CODES.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        return Refusal(status, error.what, error.remedy)
    if isinstance(error, HTTPException):
        remedy = "go back to where you came from, or Home"
        return Refusal(HTTPStatus(error.status_code), str(error.detail), remedy)
    if isinstance(error, RequestValidationError):
        faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
        return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults)[:2000], "see /api")
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Refusal(status, "this page is broken", "the server's output says where")
