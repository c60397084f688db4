"""The web application: pages and their API, login, error messages.

Pages are discovered: each folder here that has a module `page` with a `PAGE`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from analytics import web
from analytics.web import metrics
from analytics.web.base.access import Access
from analytics.web.base.form import fields
from analytics.web.base.guard import Guard
from analytics.web.base.live import STREAMS
from analytics.web.base.problem import problem, refuse
from analytics.web.base.view import STATIC, TEMPLATES, Page, Viewed
from analytics.web.lake.commands import Commands
from analytics.web.lake.lake import MEMORY_MB, Lake
from analytics.web.lake.monitor import LagMonitor, StatusCache
from analytics.web.sql.asking import Questions
from lakehouse.errors import LogpondError
from lakehouse.http.bounds import Bounds, Lane, Refusal
from lakehouse.http.hosts import Hosts
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Gateway, Http

# A comment of 1,000 characters, each of which may take twelve as a form is sent.
LONGEST_FORM = 16_384
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Options:
    """The settings of a server.

    `access` decides who may ask, `hosts` under which host names; without it anybody may, as in
    tests. `memory_mb` limits DuckDB, `http` everything else. `connection` is the Kafka that knows
    the lag, `gateway` says where senders reach the gateway, `trace_url` where traces are elsewhere.
    """

    host: str = "127.0.0.1"
    hosts: str = ""
    access: Access = field(default_factory=Access)
    memory_mb: int = MEMORY_MB
    connection: Connection | None = None
    http: Http = field(default_factory=Http)
    gateway: Gateway = field(default_factory=Gateway)
    trace_url: str = ""


def create(places: Places, options: Options = Options()) -> FastAPI:
    """Returns the application for one lake."""
    app = FastAPI(
        title="logpond",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        description="What the pages show, as JSON. `as_of` reads the lake as it was.",
    )
    app.state.lake = Lake(places, options.memory_mb)
    app.state.commands = Commands(places)
    app.state.questions = Questions()
    app.state.lag = LagMonitor(places, options.connection) if options.connection else None
    app.state.status = StatusCache(places, app.state.lag)
    app.state.pages, app.state.access = discover(), options.access
    app.state.gateway, app.state.trace_url = options.gateway, options.trace_url
    for page in app.state.pages:
        app.include_router(page.router)
    app.include_router(metrics.router)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    for kind in (LogpondError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, problem)
    lanes = (Lane(STREAMS, options.http.streams),)
    app.add_middleware(
        Bounds, bounds=options.http, body_bytes=LONGEST_FORM, refuse=refuse, lanes=lanes
    )
    hosts = Hosts.of(options.host, options.hosts)
    app.add_middleware(Guard, access=options.access, hosts=hosts, refuse=refuse)
    return app


def discover() -> list[Page]:
    """Returns the `PAGE` of every folder with a module `page`, in the order of navigation."""
    folders = [found.name for found in pkgutil.iter_modules(web.__path__) if found.ispkg]
    names = [f"{web.__name__}.{folder}.page" for folder in folders]
    found = [importlib.import_module(name).PAGE for name in names if find_spec(name)]
    return sorted(found, key=lambda page: (page.order, page.name))


@router.get("/api", response_class=HTMLResponse)
def api(view: Viewed) -> HTMLResponse:
    """Shows the API as a page for people."""
    app = view.request.app
    return HTMLResponse(_render("api", pages=app.state.pages, api=app.openapi()))


@router.get("/login")
def ask_for_token() -> HTMLResponse:
    """Shows the form that asks for the token."""
    return HTMLResponse(_render("login", refusal=None))


@router.post("/login")
async def take_token(request: Request) -> Response:
    """Begins a session if the token is right."""
    access: Access = request.app.state.access
    form = await fields(request)
    found = access.take(request.scope, form.get("token", ""))
    if isinstance(found, Refusal):
        html = _render("login", refusal=found)
        return HTMLResponse(html, found.status, dict(found.headers))
    return access.sign_in(request.scope, found, RedirectResponse("/", HTTPStatus.SEE_OTHER))


@router.post("/logout")
async def leave(request: Request) -> Response:
    """Ends the session."""
    access: Access = request.app.state.access
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    return access.sign_out(request.scope, answer)


def _render(name: str, **values: Any) -> str:
    return TEMPLATES.get_template(f"base/{name}.html").render(values)
