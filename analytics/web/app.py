"""The application: pages and their API, the login, errors in words.

Pages are discovered: each folder here that has a module `page` with a `PAGE`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from analytics import web
from analytics.web import metrics
from analytics.web.base.guard import COOKIE, HEADERS, Guard, Key
from analytics.web.base.live import MOST_FOLLOWERS
from analytics.web.base.view import STATIC, TEMPLATES, Page, Viewed
from analytics.web.lake.commands import Commands
from analytics.web.lake.lake import MEMORY_MB, Lake
from analytics.web.lake.monitor import LagMonitor, StatusCache
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.paths import Places

CODES = {SettingsError: HTTPStatus.BAD_REQUEST, TableError: HTTPStatus.NOT_FOUND}
LONGEST_FORM = 4096
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Options:
    """The settings of a server.

    Without a `token` only this machine may ask. `memory_mb` bounds DuckDB. `bootstrap` is the Kafka
    that knows the lag. `followers` is how many live pages may be open at once.
    """

    host: str = "127.0.0.1"
    token: str = ""
    memory_mb: int = MEMORY_MB
    bootstrap: str = ""
    followers: int = MOST_FOLLOWERS


def create(places: Places, options: Options = Options()) -> FastAPI:
    """The application over one lake."""
    app = FastAPI(
        title="logpond",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        description="What the pages show, as JSON. `as_of` reads the lake as it was.",
    )
    app.state.lake = Lake(places, options.memory_mb)
    app.state.followers = CapacityLimiter(options.followers)
    app.state.commands = Commands(places)
    app.state.status = StatusCache(places, options.bootstrap)
    app.state.lag = LagMonitor(places, options.bootstrap) if options.bootstrap else None
    app.state.pages, app.state.key = discover(), Key(options.token)
    for page in app.state.pages:
        app.include_router(page.router)
    app.include_router(metrics.router)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    for kind in (LogpondError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, problem)
    app.add_middleware(Guard, key=app.state.key, host=options.host)
    return app


def discover() -> list[Page]:
    """The `PAGE` of every folder here that has a module `page`, in the order of navigation."""
    folders = [found.name for found in pkgutil.iter_modules(web.__path__) if found.ispkg]
    names = [f"{web.__name__}.{folder}.page" for folder in folders]
    found = [importlib.import_module(name).PAGE for name in names if find_spec(name)]
    return sorted(found, key=lambda page: (page.order, page.name))


async def problem(request: Request, error: Exception) -> Response:
    """Answer an error with what went wrong and what to do, as a page or as JSON."""
    status, what, remedy = _describe(error)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": what, "remedy": remedy}, status, HEADERS)
    values = {"status": int(status), "what": what, "remedy": remedy}
    html = _render("problem", pages=request.app.state.pages, **values)
    return HTMLResponse(html, status, HEADERS)


def _describe(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, LogpondError):
        return CODES.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE), error.what, error.remedy
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), "go back to where you came from, or Home"
    if isinstance(error, RequestValidationError):
        faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
        return HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults), "see /api"
    return HTTPStatus.INTERNAL_SERVER_ERROR, "this page is broken", "the server's output says where"


@router.get("/api", response_class=HTMLResponse)
def api(view: Viewed) -> HTMLResponse:
    """The API as a page for people."""
    app = view.request.app
    return HTMLResponse(_render("api", pages=app.state.pages, api=app.openapi()))


@router.get("/login")
def ask_for_token() -> HTMLResponse:
    """The form that asks for the token."""
    return HTMLResponse(_render("login", wrong=False))


@router.post("/login")
async def take_token(request: Request) -> Response:
    """Set the cookie that opens the pages, if the token is right."""
    key: Key = request.app.state.key
    # a form of one field: what is longer than it can be is not read
    if int(request.headers.get("content-length", LONGEST_FORM + 1)) > LONGEST_FORM:
        return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    given = parse_qs((await request.body()).decode(errors="replace")).get("token", [""])[0]
    if not key.fits(given):
        return HTMLResponse(_render("login", wrong=True), HTTPStatus.FORBIDDEN)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE, key.cookie, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


def _render(name: str, **values: Any) -> str:
    return TEMPLATES.get_template(f"base/{name}.html").render(values)
