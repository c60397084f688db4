"""The application: what is asked where, in which order a request is checked, and its errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from gateway.access import Access, Guard
from gateway.delivery import Delivery
from gateway.intake import Intake
from gateway.memory import Full, Metered
from gateway.protocols import bulk, elastic, otlp
from gateway.protocols.lines import post_lines
from gateway.readiness import Readiness
from gateway.requests import Refused
from lakehouse.http.bounds import BUSY, Bounds, Refusal
from lakehouse.http.hosts import Hosts
from lakehouse.settings import Settings
from lakehouse.sources import Sources

MIB = 1 << 20
OTLP_PATH, LINES_PATH = "/v1/logs", "/ingest/"
Door = Callable[[Request, Intake], Awaitable[Response]]


def create(delivery: Delivery, access: Access, sources: Sources, settings: Settings) -> Starlette:
    """Returns the application that sends by a delivery."""
    gateway = settings.gateway
    intake = Intake(delivery, gateway.unpacked_mb * MIB, gateway.topic, sources)
    routes = [
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route(OTLP_PATH, _door(otlp.post_logs, intake), methods=["POST"]),
        # before the lines: an index may have any name, and no source is named _bulk
        Route("/_bulk", _door(bulk.post_bulk, intake), methods=["POST", "PUT"]),
        Route("/{index}/_bulk", _door(bulk.post_bulk, intake), methods=["POST", "PUT"]),
        Route("/ingest/{source}", _door(post_lines, intake), methods=["POST"]),
        *elastic.routes(),
    ]
    hosts = Hosts.of(gateway.host, gateway.hosts)
    middleware = [
        Middleware(Guard, access=access, hosts=hosts, refuse=refuse),
        Middleware(Metered, budget=delivery.budget, refuse=refuse),
        Middleware(
            Bounds, bounds=settings.http, body_bytes=gateway.body_mb * MIB, refuse=refuse, lanes=()
        ),
    ]
    handlers = {Refused: _refused, Full: _full, HTTPException: _failed, Exception: _broken}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)
    app.state.fault = Readiness(partial(delivery.fault, gateway.topic))
    return app


def refuse(scope: Scope, refusal: Refusal) -> Response:
    """Returns an error in the form of the protocol that the request speaks."""
    path, status = scope["path"], int(refusal.status)
    if path == OTLP_PATH:
        answer = otlp.refusal(otlp.content_type(Request(scope)), refusal)
    elif path.startswith((LINES_PATH, "/v1/")) and not path.endswith("/_bulk"):
        words = {"error": refusal.what, "remedy": refusal.remedy}
        answer = Response(orjson.dumps(words), status, media_type="application/json")
    else:
        why = f"{refusal.what}: {refusal.remedy}" if refusal.remedy else refusal.what
        kind = "es_rejected_execution_exception" if status == 429 else "illegal_argument_exception"
        answer = bulk.answered({"error": {"type": kind, "reason": why}, "status": status}, status)
    answer.headers.update(dict(refusal.headers))
    return answer


def _door(door: Door, intake: Intake) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        return await door(request, intake)

    return answered


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(request: Request) -> Response:
    if fault := await request.app.state.fault():
        return PlainTextResponse(f"{fault}\n", HTTPStatus.SERVICE_UNAVAILABLE)
    return PlainTextResponse("ok\n")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refuse(request.scope, error.refusal)


async def _full(request: Request, _error: Exception) -> Response:
    return refuse(request.scope, BUSY)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    what, headers = f"{status.phrase}: {request.url.path[:200]}", error.headers or {}
    return refuse(request.scope, Refusal(status, what, headers=tuple(headers.items())))


async def _broken(request: Request, _error: Exception) -> Response:
    what = "the gateway has a fault"
    return refuse(
        request.scope,
        Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, what, "what it prints says where"),
    )
