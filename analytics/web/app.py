"""The application: pages, their API, what every answer has in common."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from analytics.web.base.guard import COOKIE, HEADERS, Guard, Key
from analytics.web.base.live import MOST_FOLLOWERS
from analytics.web.base.page import Viewed
from analytics.web.base.templates import STATIC, TEMPLATES
from analytics.web.health import health
from analytics.web.lake.commands import Chores
from analytics.web.lake.lake import MEMORY_MB, Lake
from analytics.web.lake.pulse import Pulse
from analytics.web.pages import PAGES
from analytics.web.pipeline.watch import Watch
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.paths import Places

CODES = {SettingsError: HTTPStatus.BAD_REQUEST, TableError: HTTPStatus.NOT_FOUND}
LONGEST_FORM = 4096
doors = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Options:
    """What a server is told: who may ask, what DuckDB may hold, which Kafka to ask for the lag,
    how many pages may follow at once.
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
    app.state.chores = Chores(places)
    app.state.watch = Watch(places, options.bootstrap)
    app.state.pulse = Pulse(places, options.bootstrap) if options.bootstrap else None
    app.state.pages, app.state.key = PAGES, Key(options.token)
    for page in PAGES:
        app.include_router(page.router)
    app.include_router(health.router)
    app.include_router(doors)
    app.mount("/static", StaticFiles(directory=STATIC))
    for kind in (LogpondError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, problem)
    app.add_middleware(Guard, key=app.state.key, host=options.host)
    return app


async def problem(request: Request, error: Exception) -> Response:
    """What went wrong and what to do, as a page or as JSON."""
    status, what, remedy = _told(error)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": what, "remedy": remedy}, status, HEADERS)
    page = TEMPLATES.get_template("problem.html")
    told = page.render(pages=PAGES, status=int(status), what=what, remedy=remedy)
    return HTMLResponse(told, status, HEADERS)


def _told(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, LogpondError):
        return CODES.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE), error.what, error.remedy
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), "go back to where you came from, or Home"
    if isinstance(error, RequestValidationError):
        faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
        return HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults), "see /api"
    return HTTPStatus.INTERNAL_SERVER_ERROR, "this page is broken", "the server's output says where"


@doors.get("/api", response_class=HTMLResponse)
def api(view: Viewed) -> HTMLResponse:
    """What can be asked, for people."""
    page = TEMPLATES.get_template("api.html")
    return HTMLResponse(page.render(pages=PAGES, api=view.request.app.openapi()))


@doors.get("/login")
def ask_for_token() -> HTMLResponse:
    """The form that asks for the token."""
    return HTMLResponse(TEMPLATES.get_template("login.html").render(wrong=False))


@doors.post("/login")
async def take_token(request: Request) -> Response:
    """A cookie for who knows the token."""
    key: Key = request.app.state.key
    # a form of one field: what is longer than it can be is not read
    if int(request.headers.get("content-length", LONGEST_FORM + 1)) > LONGEST_FORM:
        return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    given = parse_qs((await request.body()).decode(errors="replace")).get("token", [""])[0]
    if not key.fits(given):
        wrong = TEMPLATES.get_template("login.html").render(wrong=True)
        return HTMLResponse(wrong, HTTPStatus.FORBIDDEN)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE, key.cookie, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer
